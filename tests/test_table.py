"""Columns of tables as inputs of networks, and the figure of their losses."""

import json
import tracemalloc

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from multicapa.data.table import (
    CategoryColumn,
    ClassTarget,
    Columns,
    DateColumn,
    DateError,
    MissingValuesError,
    NumberColumn,
    NumberTarget,
    TableError,
    TableModel,
    date_format,
)

pd = pytest.importorskip("pandas")
KINDS = {"size": NumberColumn.fit, "town": CategoryColumn.fit}


def table():
    return pd.DataFrame(
        {"size": [1.0, 2.0, 6.0, 3.0], "town": ["Ulm", " Bonn", "Ulm", "Kiel"], "goal": [3, 1, 3, 2]}
    ).assign(day=["2024-01-01", "2024-01-02", "2024-01-05", "2024-02-01"])


def test_numbers_are_standardised_and_categories_one_hot():
    encoded = Columns.fit(table(), KINDS).encode(table())
    size = table()["size"].to_numpy()
    np.testing.assert_allclose(encoded.X[:, 0], (size - size.mean()) / size.std(ddof=1), rtol=1e-6)
    assert encoded.X[:, 1:].tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]]  # Bonn, Kiel, Ulm
    assert encoded.kept.all()
    assert encoded.unseen == {}


def test_only_the_training_rows_teach():
    columns = Columns.fit(table().iloc[:2], KINDS)
    assert columns.columns[0].mean == 1.5
    encoded = columns.encode(table())
    assert encoded.X[3, 1:].tolist() == [0, 0]
    assert encoded.unseen == {"town": ["Kiel"]}


def test_a_constant_column_becomes_zero_and_survives_json():
    columns = Columns.fit(table().assign(size=7.0), KINDS)
    assert columns.columns[0].scale is None
    assert (columns.encode(table()).X[:, 0] == 0).all()


def test_missing_values_by_policy():
    gaps = table()
    gaps.loc[0, "size"], gaps.loc[1, "town"], gaps.loc[2, "size"] = np.nan, None, np.inf
    columns = Columns.fit(table(), KINDS)
    with pytest.raises(MissingValuesError, match=r"'size' \(2\), 'town' \(1\)"):
        columns.encode(gaps)
    assert columns.encode(gaps, "drop").kept.tolist() == [False, False, False, True]
    filled = columns.encode(gaps, "impute").X
    expected = table()
    expected.loc[[0, 2], "size"] = 2.5  # the median
    expected.loc[1, "town"] = "Ulm"  # the most frequent
    assert (filled == columns.encode(expected).X).all()


def test_codes_are_the_same_category_in_any_type():
    codes = CategoryColumn.fit(pd.Series(["1", "2", "A"], name="code"))
    later = pd.Series([2.0, np.nan, 1.0], name="code")  # what CSV makes of "2,,1"
    assert codes.encode(later)[[0, 2]].tolist() == [[0, 1, 0], [1, 0, 0]]
    truth = CategoryColumn.fit(pd.Series([True, False, True], name="flag"))
    assert truth.encode(pd.Series(["False", "True"], name="flag")).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("classes", [["b", "a"], [True, False], [3, 1, 2], [0.5, 0.25]])
def test_classes_keep_their_type(classes):
    series = pd.Series(classes * 2, name="goal")
    target = ClassTarget.fit(series)
    again = ClassTarget(target.name, tuple(json.loads(json.dumps(target.classes))))
    assert list(again.classes) == sorted(classes)
    outputs = np.eye(len(classes))[again.encode(series)]
    assert again.decode(outputs).tolist() == classes * 2
    assert again.encode(pd.Series(["other"])).tolist() == [-1]


def test_numbers_return_to_their_units():
    target = NumberTarget.fit(pd.Series([100.0, 300.0, 500.0], name="price"))
    encoded = target.encode(pd.Series([100.0, 500.0]))
    assert encoded.tolist() == [-1, 1]
    assert target.decode(encoded[:, None]).tolist() == [100, 500]
    with pytest.raises(TableError, match="'price'"):
        NumberTarget.fit(pd.Series([1.0, 1.0], name="price"))


def model():
    kinds = KINDS | {"day": DateColumn.fit}
    columns, target = Columns.fit(table(), kinds, "impute"), ClassTarget.fit(table()["goal"])
    network = mc.Sequential([mc.Dense(3, "softmax")], input_shape=columns.width, seed=0)
    return TableModel(network, columns, target)


def test_a_saved_model_answers_the_same(tmp_path):
    before = model()
    before.save(tmp_path / "m")
    after = TableModel.load(tmp_path / "m")
    assert (after.columns, after.target) == (before.columns, before.target)
    assert after.predict(table()).tolist() == before.predict(table()).tolist()
    assert set(after.predict(table())) <= {1, 2, 3}


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("columns"),
        lambda d: d.update(missing="guess"),
        lambda d: d["columns"][0].update(kind="colour"),
        lambda d: d["columns"][0].update(mean="high"),
        lambda d: d["columns"][1]["categories"].append("Rom"),
        lambda d: d["target"].update(classes=[1, 2]),
        lambda d: d["target"].update(task="guess"),
    ],
)
def test_a_damaged_description_is_refused(tmp_path, damage):
    model().save(tmp_path / "m")
    network = mc.load(tmp_path / "m")
    damage(network.metadata["table"])
    with pytest.raises(TableError, match="description of its columns"):
        TableModel.of(network)


def test_columns_that_are_absent_are_named():
    with pytest.raises(TableError, match=r"lacks 'town'.*did you mean 'Towns'"):
        model().predict(table().rename(columns={"town": "Towns"}))


def test_tables_of_other_makers():
    """Names that are numbers, columns that are there twice, no rows at all."""
    numbers = table().rename(columns={"size": 0, "town": 1, "goal": 2, "day": 3})
    kinds = {"0": NumberColumn.fit, "1": CategoryColumn.fit}
    columns = Columns.fit(numbers, kinds, "impute")
    target = ClassTarget.fit(numbers[2].rename("2"))
    made = TableModel(mc.Sequential([mc.Dense(3, "softmax")], input_shape=columns.width, seed=0), columns, target)
    expected = made.predict(numbers)
    assert made.predict(numbers.rename(columns=str)).tolist() == expected.tolist()
    assert made.predict(numbers.iloc[:0]).tolist() == []
    twice = pd.concat([numbers, numbers[[3]]], axis=1)
    assert made.predict(twice).tolist() == expected.tolist()  # a column that nobody reads may be
    with pytest.raises(TableError, match="2 columns called '0'"):
        made.predict(pd.concat([numbers, numbers[[0]]], axis=1))
    for types in ({0: "Float64"}, {0: "Int64", 1: "category"}, {1: "string"}):
        assert made.predict(numbers.astype(types)).tolist() == expected.tolist()
    with pytest.raises(TableError, match="'1' holds list such as"):
        made.predict(numbers.assign(town=[[1, 2]] * 4).drop(columns=1).rename(columns={"town": 1}))


def test_files_from_before_are_read_as_before(tmp_path):
    """Descriptions that say nothing of how numbers are written, and truth values as JSON's."""
    model().save(tmp_path / "m")
    described = mc.load(tmp_path / "m").metadata["table"]
    assert all("written" not in column and "origin" not in column for column in described["columns"])
    network = mc.load(tmp_path / "m")
    del network.metadata["table"]["words"], network.metadata["table"]["na"]
    again = TableModel.of(network)
    assert (again.columns, again.target) == (model().columns, model().target)
    truth = ClassTarget("goal", (False, True))
    assert truth.encode(pd.Series(["true", "FALSE", "True", None, "yes"])).tolist() == [1, 0, 1, -1, -1]
    assert truth.encode(pd.Series([True, False])).tolist() == [1, 0]
    numbers = ClassTarget("goal", (0, 1, 2.5))
    assert numbers.encode(pd.Series(["1.0", "+0", "2.50", "a", None])).tolist() == [1, 0, 2, -1, -1]


def test_categories_take_the_memory_of_the_inputs_only():
    texts = pd.Series([f"city {i % 900}" for i in range(9000)], dtype=object)
    frame = pd.DataFrame({"a": texts, "b": texts})
    columns = Columns.fit(frame, {"a": CategoryColumn.fit, "b": CategoryColumn.fit})
    tracemalloc.start()
    X = columns.encode(frame).X
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (X.shape, X.dtype, X.sum()) == ((9000, 1800), np.float32, 18000)
    assert peak < 1.2 * X.nbytes


# ---- dates ----


@pytest.mark.parametrize(
    ("texts", "order", "form"),
    [
        (["2024-01-31", "2024-02-01"], "auto", "ISO8601"),
        (["2024-01-31T10:00:00Z"], "auto", "ISO8601"),
        (["2024/1/31 9:05"], "auto", "ISO8601"),
        (["1.2.2024"], "auto", "%d.%m.%Y"),
        (["31/01/2024", "01/02/2024"], "auto", "%d/%m/%Y"),
        (["01/31/2024", "01/02/2024"], "auto", "%m/%d/%Y"),
        (["01/02/2024"], "day-first", "%d/%m/%Y"),
        (["01/02/2024"], "month-first", "%m/%d/%Y"),
        (["1/2/24 7:05 PM"], "month-first", "%m/%d/%y %I:%M %p"),
        (["March 1, 2024"], "auto", "%B %d, %Y"),
        (["Jan 1 2000", "Feb 12 2001"], "auto", "%b %d %Y"),
        (["Mon, 01 Jan 2024"], "auto", "%a, %d %b %Y"),
        (["1. Jan 2024 10:30"], "auto", "%d. %b %Y %H:%M"),
        (["January 2024", "March 2024"], "auto", "%B %Y"),
        (["2024-01", "2024-12"], "auto", "ISO8601"),
        (["1234-5", "1234-6"], "auto", None),
        (["Model 2000", "Type 2001"], "auto", None),
        (["12", "13"], "auto", None),
        (["Ulm", "Bonn"], "auto", None),
        (["2024-01-31", "later"], "auto", None),
        ([], "auto", None),
    ],
)
def test_how_dates_are_written(texts, order, form):
    assert date_format(texts, order) == form


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["01/02/2024", "03/04/2024"], "is the day first or the month"),
        (["2024-01-31"] * 19 + ["later"], "but also 'later'"),
        (["2024-01-31", "31.01.2024"], "one way"),
        (["2024-02-30"], "one way"),
        (["2024-13", "2024-14"], "one way"),
        (["2021-02-01"] * 19 + ["2021-02-30"], "but also '2021-02-30'"),
        (["2021-02-01"] * 19 + ["0000-00-00"], "but also '0000-00-00'"),
    ],
)
def test_dates_that_cannot_be_read(texts, words):
    with pytest.raises(DateError, match=words):
        date_format(texts)


def test_dates_become_a_trend_and_places_on_circles():
    days = pd.Series(["2024-01-01 00:00", "2024-07-01 12:00", "2025-01-06 06:00"], name="day")  # Mondays
    column = DateColumn.fit(days)
    rows = column.encode(days)
    assert rows.shape == (3, column.width) == (3, 7)
    since = np.array([0, 182.5, 371.25])
    np.testing.assert_allclose(rows[:, 0], (since - since.mean()) / since.std(ddof=1))
    angles = np.arctan2(rows[:, 1:4], rows[:, 4:7]) / (2 * np.pi) % 1
    np.testing.assert_allclose(angles[:, 0], [0, 182 / 365.25, 5 / 365.25], atol=1e-9)
    np.testing.assert_allclose(angles[:, 1], 0, atol=1e-9)
    np.testing.assert_allclose(angles[:, 2], [0, 0.5, 0.25], atol=1e-9)
    np.testing.assert_allclose((rows[:, 1:4] ** 2 + rows[:, 4:7] ** 2), 1)
    assert DateColumn.fit(days.str[:10]).width == 5  # no times, no clock


def test_moments_and_their_texts_are_the_same():
    moments = pd.Series(pd.date_range("2024-01-01", periods=5, freq="7h"), name="day")
    column = DateColumn.fit(moments)
    assert (column.encode(moments) == column.encode(moments.astype(str))).all()
    assert (column.encode(moments.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")) == column.encode(moments)).all()
    gaps = pd.Series([None, "2024-01-01"], name="day")
    assert (column.encode(gaps)[0] == column.encode(moments[2:3])).all()  # the median


# ---- the figure ----


def history(losses, dev=None):
    records = [{"epoch": i, "loss": loss} for i, loss in enumerate(losses, 1)]
    for record, value in zip(records, dev or [], strict=False):
        record["val_loss"] = value
    return mc.History(records)


@pytest.fixture
def axes():
    figure = pytest.importorskip("matplotlib.figure")
    return figure.Figure().add_subplot()


def test_curves_show_the_history(axes):
    plots.loss_curves(history([1.0, 0.5, 0.25], [0.9, 0.6, 0.7]), axes, best_epoch=2, title="Some title")
    train, dev, kept = axes.get_lines()
    assert (train.get_xdata().tolist(), list(train.get_ydata())) == ([1, 2, 3], [1.0, 0.5, 0.25])
    assert list(dev.get_ydata()) == [0.9, 0.6, 0.7]
    assert set(kept.get_xdata()) == {2}
    assert [text.get_text() for text in axes.get_legend().get_texts()][1:] == ["dev", "kept: epoch 2"]
    assert axes.get_title(loc="left") == "Some title"
    assert axes.get_yscale() == "linear"


def test_losses_of_many_sizes_get_a_logarithmic_axis(axes):
    plots.loss_curves(history([100.0, 1.0]), axes)
    assert axes.get_yscale() == "log"
    assert len(axes.get_lines()) == 1


def test_an_empty_history_is_refused(axes):
    with pytest.raises(ValueError, match="no epochs"):
        plots.loss_curves(mc.History(), axes)


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_ending_chooses_the_format(tmp_path, ending, start):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"loss.{ending}"
    plots.save_loss_curves(history([1.0]), path)
    assert path.read_bytes().startswith(start)
