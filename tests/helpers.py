"""What several test files share: reference networks, targets that suit a loss, comparisons, subprocesses."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import multicapa as mc
from reference import ReferenceNetwork

ROOT = Path(__file__).resolve().parent.parent
DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
# Around the widths of vectors: 4, 8 and 16 float32, 2, 4 and 8 float64, and twice that.
SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100)

LOSSES = mc._core.losses()
FUSED = {row["name"]: row["fused_activation"] for row in LOSSES if row["fused_activation"]}
ACTIVATIONS = tuple(mc.layers.activations())


def loss_pairs():
    """Every loss behind the output activation it is fused with, if any, behind one it is not, and some more."""
    pairs = []
    for name in mc.losses.names():
        pairs.append((name, "softmax" if FUSED.get(name) == "sigmoid" else "sigmoid"))
        if name in FUSED:
            pairs.append((name, FUSED[name]))
    errors = ("half_squared_error", "squared_error", "absolute_error", "huber", "quantile", "hinge", "perceptron")
    return pairs + [(name, last) for name in errors for last in ("linear", "tanh")] + [("squared_error", "softmax")]


def targets_for(loss, rng, shape):
    """Random rows that the loss accepts as targets."""
    if loss in ("cross_entropy", "kullback_leibler"):
        e = np.exp(rng.normal(size=shape))
        return e / e.sum(axis=-1, keepdims=True)
    if loss == "poisson":
        return rng.poisson(2.0, shape).astype(float)
    if loss in ("hinge", "perceptron"):
        return rng.choice([-1.0, 1.0], shape)
    if loss in ("binary_cross_entropy", "focal"):
        return rng.uniform(0.05, 0.95, shape)
    return rng.normal(size=shape)


def randomize(net, rng, scale=1.0):
    """Weights and biases large enough to make every unit matter, the same numbers in both dtypes."""
    for name, view in net.parameters.items():
        fan_in = view.shape[0] if view.ndim == 2 else 1
        view[...] = (scale * rng.normal(size=view.shape) / np.sqrt(fan_in)).astype(np.float32)
        assert net.parameters[name] is view
    return net


def reference_of(net):
    """The plain NumPy network with the same layers and numbers."""
    return ReferenceNetwork(net.spec, {**net.parameters, **net.state})


def difference(ours, theirs, least_scale=0.0):
    """Largest difference, relative to the largest number."""
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    assert ours.shape == theirs.shape
    scale = np.abs(theirs).max(initial=least_scale)
    worst = np.abs(ours - theirs).max(initial=0)
    return worst / scale if scale > 0 else worst


def assert_near(ours, theirs, tolerance, what="", least_scale=0.0):
    """Equal up to rounding, relative to the largest number of the array, or to ``least_scale`` if that is larger."""
    assert np.isfinite(ours).all(), f"{what} holds NaN or inf"
    found = difference(ours, theirs, least_scale)
    assert found <= tolerance, f"{what} is off by {found:.3g} of its largest number"


def assert_like_reference(net, X, T, loss, rows=None, tolerance=None, **options):
    """predict, cost and every gradient agree with the reference; ``rows``: T as the reference takes it."""
    tolerance = tolerance or TOLERANCE[net.dtype.name]
    their_options = {"penalize_bias" if k == "penalize_biases" else k: v for k, v in options.items()}
    if options.get("sample_weight") is not None:
        their_options["sample_weight"] = np.asarray(options["sample_weight"], dtype=np.float64)
    chosen = mc.losses.get(loss)
    reference = reference_of(net)
    assert_near(net.predict(X), reference.forward(X), tolerance, "predict")
    cost, gradients = net.loss_and_gradient(X, T, loss=loss, **options)
    rows = T if rows is None else rows
    their_cost, theirs = reference.loss_and_gradient(X, rows, chosen.name, chosen.parameter, **their_options)
    assert abs(cost - their_cost) <= tolerance * max(abs(their_cost), 1e-3), (cost, their_cost)
    assert list(gradients) == list(theirs)
    # A gradient whose samples cancel each other has the rounding of what was summed, not of what is left.
    least_scale = 0.1 * max(np.abs(gradient).max() for gradient in theirs.values())
    for name, gradient in gradients.items():
        assert gradient.dtype == net.dtype
        assert_near(gradient, theirs[name], tolerance, name, least_scale)
    if "l1" not in options and "l2" not in options and "penalize_biases" not in options:
        found = net.evaluate(X, T, loss=loss, **options)["loss"]
        assert abs(found - their_cost) <= tolerance * max(abs(their_cost), 1e-3), (found, their_cost)


def rng(seed=0):
    """A new generator."""
    return np.random.default_rng(seed)


def all_equal(*arrays):
    """Whether arrays hold the same numbers."""
    return all(np.array_equal(arrays[0], array) for array in arrays[1:])


def numbers_of(net):
    """Bits of all parameters, to compare before and after."""
    return {name: view.tobytes() for name, view in net.parameters.items()}


def run_python(code, *arguments, timeout=120, **environment):
    """The finished process of ``python -c code`` in which multicapa and the helpers can be imported."""
    paths = [str(Path(mc.__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]
    inherited = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths + inherited), **environment}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def output_of(code, *arguments, **options):
    """What a successful ``run_python`` prints."""
    done = run_python(code, *arguments, **options)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()
