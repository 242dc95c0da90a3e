"""A trained model on other tables: predict and evaluate."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score
from tables import FAST, failure, flowers, houses, misuse

import multicapa as mc


@pytest.fixture
def model(run):
    flowers().to_csv("t.csv", index=False)
    assert run(f"train t.csv --target species {FAST}")[0] == 0


@pytest.mark.usefixtures("model")
def test_columns_in_any_order_and_more_of_them(run):
    later = flowers(seed=1)[["species", "colour", "width", "length"]].assign(extra="kept")
    later.to_csv("later.csv", index=False)
    assert run("predict model.safetensors later.csv --probabilities --output p.csv")[0] == 0
    predicted = pd.read_csv("p.csv")
    assert (predicted["predicted_species"] == later["species"]).mean() > 0.9
    probabilities = predicted[["probability_a", "probability_b", "probability_c"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (np.array(["a", "b", "c"])[probabilities.argmax(axis=1)] == predicted["predicted_species"]).all()
    assert (predicted["extra"] == "kept").all()

    code, out, _ = run("evaluate model.safetensors later.csv")
    assert code == 0
    shown = out.splitlines()[1].split()
    assert shown[2] == f"{(predicted['predicted_species'] == later['species']).mean():.3f}"
    recall = recall_score(later["species"], predicted["predicted_species"], average="macro")
    assert shown[3] == f"{recall:.3f}"


@pytest.mark.usefixtures("model")
def test_without_output_the_table_goes_to_the_terminal(run):
    _, out, err = run("predict model.safetensors t.csv")
    assert out.splitlines()[0] == "length,width,colour,species,predicted_species"
    assert len(out.splitlines()) == 151
    assert err == ""


@pytest.mark.usefixtures("model")
def test_predictions_of_predictions_replace_the_first(run):
    run("predict model.safetensors t.csv --output p.csv")
    _, out, err = run("predict model.safetensors p.csv")
    assert out.splitlines()[0].count("predicted_species") == 1
    assert "'predicted_species' of the table is replaced" in err


@pytest.mark.usefixtures("model")
def test_unseen_categories_and_classes_are_told(run):
    later = flowers(seed=2)
    later.loc[:1, "colour"] = "mauve"
    later.loc[:2, "species"] = "d"
    later.to_csv("later.csv", index=False)
    code, _, err = run("predict model.safetensors later.csv --output p.csv")
    assert code == 0
    assert "'colour'" in err
    assert "('mauve'; rows: 2)" in " ".join(err.split())
    code, out, err = run("evaluate model.safetensors later.csv")
    assert code == 0
    assert "never saw (d)" in err
    predicted = pd.read_csv("p.csv")["predicted_species"]
    assert f"{(predicted == later['species']).mean():.3f}" in out


@pytest.mark.usefixtures("model")
def test_tables_that_do_not_fit_the_model(run):
    flowers().rename(columns={"length": "lenght"}).to_csv("typo.csv", index=False)
    failure(run("predict model.safetensors typo.csv"), "'length'", "did you mean 'lenght'?")
    flowers().astype({"width": object}).replace({"width": {flowers()["width"][4]: "wide"}}).to_csv("w.csv", index=False)
    failure(run("predict model.safetensors w.csv"), "'width'", "row 5", "'wide'")
    flowers().to_csv("comma.csv", index=False, sep=";", decimal=",")
    failure(run("predict model.safetensors comma.csv"), "'length'", "row 1", "--decimal comma")
    misuse(run("predict t.csv model.safetensors"), "'t.csv' is a table where a model should be")
    flowers().assign(width=1e300).to_csv("far.csv", index=False)
    failure(run("predict model.safetensors far.csv"), "'width'", "1e+300")
    flowers().drop(columns="species").to_csv("no.csv", index=False)
    failure(run("evaluate model.safetensors no.csv"), "'species'", "nothing to compare with")
    flowers().rename(columns={"species": "Species"}).to_csv("no.csv", index=False)
    failure(run("evaluate model.safetensors no.csv"), "did you mean 'Species'?")


def test_numbers(run):
    houses().to_csv("houses.csv", index=False)
    run(f"train houses.csv --target price {FAST}")
    _, out, _ = run("predict model.safetensors houses.csv")
    lines = out.splitlines()
    assert lines[0] == "size,town,price,predicted_price"
    predicted = np.array([float(line.split(",")[-1]) for line in lines[1:]])
    assert np.sqrt(np.mean((predicted - houses()["price"]) ** 2)) < 0.2 * houses()["price"].std()
    misuse(run("predict model.safetensors houses.csv --probabilities"), "needs a model of classes", "price")
    houses(1).to_csv("one.csv", index=False)
    code, out, _ = run("evaluate model.safetensors one.csv")
    assert code == 0
    assert "nan" in out  # R² of a single row


def test_a_model_made_elsewhere(run):
    flowers().to_csv("t.csv", index=False)
    mc.Sequential([mc.Dense(2)], input_shape=3, seed=0).save("plain")
    failure(run("predict plain t.csv"), "multicapa train")
