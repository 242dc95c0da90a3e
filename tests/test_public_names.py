"""What users import, and from where: it stays."""

import importlib

import pytest

PUBLIC = {
    "multicapa": """
        Activation Adadelta Adagrad Adam AdamW Adamax Add BatchNorm CSVLog Callback Checkpoint Concat
        Curriculum Dense Diagnosis DiagnosisWarning DivergenceError Dropout EarlyStopping Flatten
        GaussianNoise History Input LBFGS LayerNorm MLPClassifier MLPRegressor Maxout Momentum Nadam Nesterov
        Network NetworkClassifier NetworkRegressor RMSprop ReduceOnPlateau Reshape Rprop SGD Sequential
        StopAtGradient StopAtLoss TensorBoard add augment callbacks check_gradients concat data estimators
        get_num_threads initializers layers load losses optimizers plots schedules set_num_threads
    """,
    "multicapa.callbacks": """
        CSVLog Callback Checkpoint EarlyStopping ReduceOnPlateau StopAtGradient StopAtLoss TensorBoard
        as_callback as_callbacks
    """,
    "multicapa.data": """
        Split Standardizer train_dev_test_split
    """,
    "multicapa.plots": """
        DecisionBoundaryDisplay DescentDisplay FeatureMapsDisplay FiltersDisplay GradientFlowDisplay
        LearningCurvesDisplay OptimizerPathsDisplay PlateDisplay SURFACES Surface WeightsDisplay check_matplotlib
        loss_curves save_loss_curves
    """,
    "multicapa.layers": """
        Activation Add BatchNorm Concat Custom CustomActivation Dense Dropout Flatten GaussianNoise Input
        InputLayer        LAYERS Layer LayerNorm Maxout Reshape Symbol activations add check_activation concat
    """,
    "multicapa.losses": """
        AbsoluteError BinaryCrossEntropy CrossEntropy CustomLoss HalfSquaredError Hinge Huber Loss Perceptron
        Poisson SquaredError default_for get names
    """,
    "multicapa.optimizers": """
        Adadelta Adagrad Adam AdamW Adamax LBFGS Momentum Nadam Nesterov Optimizer RMSprop Rprop SGD get
        minimize names
    """,
    "multicapa.schedules": """
        Constant Cosine Exponential InverseScaling OneCycle Schedule Step WarmUp
    """,
    "multicapa.initializers": """
        default_for initialize
    """,
    "multicapa.networks": """
        lenet5
    """,
    "multicapa.augment": """
        ColorChange Crop HorizontalFlip Images Noise ResizedCrop Rotation Texts WordDelete WordInsert
        WordReplace
    """,
    "multicapa.estimators": """
        MLPClassifier MLPRegressor NetworkClassifier NetworkRegressor
    """,
}


@pytest.mark.parametrize("module", PUBLIC)
def test_names_stay(module):
    found = importlib.import_module(module)
    missing = [name for name in PUBLIC[module].split() if not hasattr(found, name)]
    assert not missing, f"{module} has lost {missing}"
