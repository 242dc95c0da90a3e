"""Pictures of training, through matplotlib: ``pip install "multicapa[plots]"``.

Each picture is a display, in the manner of scikit-learn: ``from_...`` computes what it shows and draws it, ``plot(ax)``
draws it again elsewhere. Afterwards ``figure_`` is the figure, ``ax_`` the first of its axes and, where a picture has
several, ``axes_`` an array of them. Without ``ax`` there is a new figure: one of pyplot's if the program has imported
pyplot, so that ``plt.show()`` and notebooks show it, else a bare one for ``display.figure_.savefig("name.png")``. Given
an ``ax``, a picture of several axes divides its place.

================================ =====================================================================
:class:`LearningCurvesDisplay`   training against dev loss and accuracy, per epoch
:class:`DecisionBoundaryDisplay` what a network of two inputs says anywhere in the plane
:class:`PlateDisplay`            loss curves for each learning rate and batch size
:class:`OptimizerPathsDisplay`   the way optimisers take over a surface; :data:`SURFACES` has some ready
:class:`DescentDisplay`          the steps of an optimiser down the curve of a function of one number
:class:`GradientFlowDisplay`     how large gradients and updates are, layer by layer
:class:`WeightsDisplay`          the weights of a layer, as a matrix or as what each unit looks for
:class:`FiltersDisplay`          the filters of a convolution
:class:`FeatureMapsDisplay`      what each layer makes of an image or a series
:class:`AttentionDisplay`        where each step of a sequence looks
================================ =====================================================================
"""

from multicapa.plots.attention import AttentionDisplay
from multicapa.plots.boundary import DecisionBoundaryDisplay
from multicapa.plots.curves import LearningCurvesDisplay, loss_curves, save_loss_curves
from multicapa.plots.descent import DescentDisplay
from multicapa.plots.filters import FiltersDisplay
from multicapa.plots.flow import GradientFlowDisplay
from multicapa.plots.maps import FeatureMapsDisplay
from multicapa.plots.paths import OptimizerPathsDisplay
from multicapa.plots.plate import PlateDisplay
from multicapa.plots.style import check_matplotlib
from multicapa.plots.surfaces import SURFACES, Surface
from multicapa.plots.weights import WeightsDisplay

__all__ = [
    "SURFACES",
    "AttentionDisplay",
    "DecisionBoundaryDisplay",
    "DescentDisplay",
    "FeatureMapsDisplay",
    "FiltersDisplay",
    "GradientFlowDisplay",
    "LearningCurvesDisplay",
    "OptimizerPathsDisplay",
    "PlateDisplay",
    "Surface",
    "WeightsDisplay",
    "check_matplotlib",
    "loss_curves",
    "save_loss_curves",
]
