"""Files and pickles of the first version, in ``written_before``, still load, and say what they said then."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import multicapa as mc

FOLDER = Path(__file__).parent / "written_before"
OUTPUTS = np.load(FOLDER / "outputs.npz")


def unpickled(name):
    with warnings.catch_warnings():  # of scikit-learn, when another version of it wrote the pickle
        warnings.simplefilter("ignore")
        return pickle.loads((FOLDER / f"{name}.pickle").read_bytes())


def close(found, name):
    """On another instruction set sums round in another order."""
    np.testing.assert_allclose(found, OUTPUTS[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["sequential", "network"])
def test_networks(name):
    network = unpickled(name)
    assert isinstance(network, mc.Network)
    close(network.predict(OUTPUTS["rows"]), name)
    assert len(network.fit(OUTPUTS["rows"], [0] * 5, epochs=2, verbose=False)) == 2


def test_frozen_layers_stay_frozen():
    network = unpickled("network")
    before = network.parameters["first.weight"].copy()
    network.fit(OUTPUTS["rows"], [0] * 5, epochs=1, verbose=False)
    assert (network.parameters["first.weight"] == before).all()


def test_estimators():
    close(unpickled("classifier").predict_proba(OUTPUTS["rows"]), "classifier")
    close(unpickled("regressor").predict(OUTPUTS["rows"]), "regressor")
    partly = unpickled("partly_fitted")
    close(partly.predict_proba(OUTPUTS["rows"]), "partly_fitted")
    partly.partial_fit(OUTPUTS["rows"], [0, 0, 1, 1, 2])


def test_records_and_callbacks():
    assert unpickled("history").names() == ["epoch", "loss", "learning_rate", "seconds"]
    assert isinstance(unpickled("early_stopping"), mc.EarlyStopping)
    assert isinstance(unpickled("diagnosis"), mc.Diagnosis)


def test_files():
    close(mc.load(FOLDER / "sequential.safetensors").predict(OUTPUTS["rows"]), "sequential")
