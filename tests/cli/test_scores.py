"""Scores on the command line are scikit-learn's, with what each class and a know-nothing answer would give."""

import numpy as np
import pytest
from sklearn import metrics
from tables import flowers, houses

from multicapa.cli.scores import base_rate, class_rows, scores
from multicapa.data.table import ClassTarget

rng = np.random.default_rng(0)


def answers(classes, rows=60):
    truth = rng.integers(0, classes, rows)
    raw = rng.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[truth]
    return np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True), truth


def test_area_under_the_curve():
    outputs, truth = answers(2)
    target = ClassTarget("t", ("a", "b"))
    assert scores(target, outputs, truth)["AUC"] == pytest.approx(metrics.roc_auc_score(truth, outputs[:, 1]))
    outputs, truth = answers(4)
    target = ClassTarget("t", ("a", "b", "c", "d"))
    theirs = metrics.roc_auc_score(truth, outputs, multi_class="ovr", average="macro")
    assert scores(target, outputs, truth)["AUC"] == pytest.approx(theirs)
    some = truth != 2  # a class that does not occur has no curve
    each = [metrics.roc_auc_score(truth[some] == k, outputs[some, k]) for k in (0, 1, 3)]
    assert scores(target, outputs[some], truth[some])["AUC"] == pytest.approx(np.mean(each))
    assert np.isnan(scores(target, outputs[truth == 1], truth[truth == 1])["AUC"])


def test_each_class():
    outputs, truth = answers(3)
    truth[:3] = -1  # classes that training never saw
    target = ClassTarget("t", ("a", "b", "c"))
    header, *rows = class_rows(target, outputs, truth)
    assert header == ["class", "rows", "precision", "recall", "F1"]
    predicted = outputs.argmax(axis=1)
    for k, (name, count, precision, recall, f1) in enumerate(rows):
        assert (name, int(count)) == ("abc"[k], np.sum(truth == k))
        hits = np.sum((truth == k) & (predicted == k))
        assert float(precision) == pytest.approx(hits / np.sum(predicted == k), abs=6e-4)
        assert float(recall) == pytest.approx(hits / np.sum(truth == k), abs=6e-4)
        assert float(f1) == pytest.approx(2 * hits / (np.sum(predicted == k) + np.sum(truth == k)), abs=6e-4)
    assert [row[0] for row in class_rows(target, outputs[truth != 1], truth[truth != 1])[1:]] == ["a", "c"]


def test_base_rate_is_that_of_the_training_rows():
    target = ClassTarget("t", ("a", "b"))
    told = base_rate(target, np.array([0, 0, 1]), np.array([1, 1, 1, 0]), "dev")
    assert told == "always saying a would be right on 0.250 of dev"


def test_train_and_evaluate_tell_them(run):
    flowers().to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target species --epochs 9 --output m --report r.md")
    assert code == 0
    assert "balanced" in out
    assert "AUC" in out
    assert "Test rows, class by class:" in out
    assert out.count("precision  recall") == 1
    assert "always saying" in out
    with open("r.md", encoding="utf-8") as report:
        text = report.read()
    assert "For comparison: always saying" in text
    assert "| class | rows | precision | recall | F1 |" in text
    code, out, _ = run("evaluate m t.csv")
    assert code == 0
    assert "Rows of the table, class by class:" in out


def test_numbers_have_a_base_rate_too(run):
    houses().to_csv("h.csv", index=False)
    code, out, _ = run("train h.csv --target price --epochs 3 --output m --missing impute")
    assert code == 0
    assert "always saying the mean of the training rows would have an RMSE of" in " ".join(out.split())
