"""Arrays of every layout and type give what the plain array gives, or are refused with a reason."""

import importlib.util
import warnings

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES

rng = np.random.default_rng(0)
ROWS = 40
PLAIN = np.round(rng.normal(size=(ROWS, 6)) * 8) / 8  # exact in every type of float
PLAIN_T = np.round(rng.normal(size=(ROWS, 3)) * 8) / 8
CLASSES = np.arange(ROWS) % 3


def net_for(dtype="float32", n_in=6):
    """Wide enough for the products to leave the small kernels."""
    return mc.Sequential([mc.Dense(40, "tanh"), mc.Dense(3)], input_shape=(n_in,), dtype=dtype, seed=0)


def with_gaps(array):
    """The same numbers, every second column of a wider array."""
    wide = np.full((array.shape[0], 2 * array.shape[1]), np.nan, dtype=array.dtype)
    wide[:, ::2] = array
    return wide[:, ::2]


def padded(array):
    """The same numbers, the first columns of a wider array."""
    wide = np.full((array.shape[0], array.shape[1] + 3), np.nan, dtype=array.dtype)
    wide[:, : array.shape[1]] = array
    return wide[:, : array.shape[1]]


def every_second_row(array):
    tall = np.full((2 * array.shape[0], array.shape[1]), np.nan, dtype=array.dtype)
    tall[::2] = array
    return tall[::2]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def misaligned(array):
    raw = np.zeros(array.nbytes + 1, dtype=np.uint8)
    moved = raw[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    assert not moved.flags.aligned
    return moved


def in_records(array):
    """Rows that do not start on a multiple of a number."""
    records = np.zeros(len(array), dtype=[("x", array.dtype, array.shape[1:]), ("tag", np.uint8)])
    records["x"] = array
    return records["x"]


LAYOUTS = {
    "read-only": read_only,
    "reversed": lambda a: a[::-1].copy()[::-1],
    "columns reversed": lambda a: a[:, ::-1].copy()[:, ::-1],
    "every second row": every_second_row,
    "every second column": with_gaps,
    "first columns": padded,
    "Fortran order": np.asfortranarray,
    "misaligned": misaligned,
    "in records": in_records,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "little-endian": lambda a: a.astype(a.dtype.newbyteorder("<")),
    "list": lambda a: a.tolist(),
    "tuple of arrays": tuple,
    "subclass": lambda a: a.view(np.recarray) if a.dtype.names else a.view(type("Sub", (np.ndarray,), {})),
}


def results(dtype, x, t):
    """Everything a network makes of some samples, down to the bits."""
    net = net_for(dtype)
    loss, gradients = net.loss_and_gradient(x, t, loss="squared_error")
    found = [net.predict(x).tobytes(), loss, gradients.flat.tobytes(), net.evaluate(x, t)["loss"]]
    net.fit(x, t, epochs=2, batch_size=16)
    net.partial_fit(x[:5], t[:5])
    return [*found, net.parameters.flat.tobytes()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_x_and_y(layout, kind, dtype):
    x, t = PLAIN.astype(kind), PLAIN_T.astype(kind)
    expected = results(dtype, x, t)
    given = LAYOUTS[layout](x)
    assert results(dtype, given, t) == expected
    assert results(dtype, x, LAYOUTS[layout](t)) == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["float16", "longdouble", "int8", "int64", ">i4", "uint16", "bool"])
def test_types_of_x_and_y(kind, dtype):
    x, t = (PLAIN * 8).astype(np.int8) % 2, (PLAIN_T * 8).astype(np.int8) % 2
    expected = results(dtype, x.astype(dtype), t.astype(dtype))
    for order in ("C", "F"):  # data frames of one type come column by column
        assert results(dtype, x.astype(kind, order=order), t.astype(dtype)) == expected
        assert results(dtype, x.astype(dtype), t.astype(kind, order=order)) == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_that_overlap(dtype):
    """One row for all (distance 0), and a window that slides (distance 1)."""
    for view in (
        np.broadcast_to(PLAIN[0].astype(dtype), (ROWS, 6)),
        np.lib.stride_tricks.sliding_window_view(rng.normal(size=ROWS + 5).astype(dtype), 6),
    ):
        assert results(dtype, view, PLAIN_T) == results(dtype, view.copy(), PLAIN_T)
    row = np.broadcast_to(PLAIN_T[0], (ROWS, 3))
    assert results(dtype, PLAIN, row) == results(dtype, PLAIN, row.copy())


@pytest.mark.parametrize("rows", [1, 2, 300])
@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_of_large_inputs(dtype, rows):
    """The products of these go to BLAS, which is particular about distances."""
    x = rng.normal(size=(rows, 200)).astype(dtype)
    net = mc.Sequential([mc.Dense(300, "tanh"), mc.Dense(3)], input_shape=(200,), dtype=dtype, seed=0)
    expected = net.predict(x)
    for layout in ("reversed", "every second row", "first columns", "Fortran order", "every second column"):
        np.testing.assert_array_equal(net.predict(LAYOUTS[layout](x)), expected, err_msg=layout)
    one = np.broadcast_to(x[0], (rows, 200))
    np.testing.assert_array_equal(net.predict(one), net.predict(one.copy()))
    window = np.lib.stride_tricks.sliding_window_view(rng.normal(size=rows + 199).astype(dtype), 200)
    np.testing.assert_array_equal(net.predict(window), net.predict(window.copy()))


@pytest.mark.parametrize(
    "classes",
    [
        CLASSES[::-1].copy()[::-1],
        np.repeat(CLASSES, 2)[::2],
        read_only(CLASSES),
        CLASSES.tolist(),
        CLASSES.astype(">i8"),
        CLASSES.astype(np.uint8),
        misaligned(CLASSES),
    ],
    ids=str,
)
def test_layouts_of_classes(classes):
    net = mc.Sequential([mc.Dense(3, "softmax")], input_shape=6, seed=0)
    assert net.loss_and_gradient(PLAIN, classes)[0] == net.loss_and_gradient(PLAIN, CLASSES)[0]


def test_strided_columns_of_one_output():
    net = mc.Sequential([mc.Dense(1)], input_shape=6, dtype="float64", seed=0)
    expected = net.loss_and_gradient(PLAIN, PLAIN_T[:, 1].copy())[0]
    for column in (PLAIN_T[:, 1], PLAIN_T[:, 1:2], np.asfortranarray(PLAIN_T)[:, 1], PLAIN_T[::-1, 1][::-1]):
        assert net.loss_and_gradient(PLAIN, column)[0] == expected


def test_layouts_of_weights():
    weights = np.linspace(0, 2, 2 * ROWS)
    net = net_for()
    expected = net.loss_and_gradient(PLAIN, PLAIN_T, sample_weight=weights[::2].copy())[0]
    for given in (weights[::2], weights[::2].tolist(), weights[::2].astype(">f8"), read_only(weights[::2])):
        assert net.loss_and_gradient(PLAIN, PLAIN_T, sample_weight=given)[0] == expected


@pytest.mark.parametrize("layout", ["Fortran order", "reversed", "read-only", "every second row"])
def test_layouts_of_images(layout):
    x = rng.normal(size=(ROWS, 2, 3, 2))
    net = mc.Sequential([mc.Flatten(), mc.Dense(3)], input_shape=(2, 3, 2), dtype="float64", seed=0)
    given = np.repeat(x, 2, axis=0)[::2] if layout == "every second row" else LAYOUTS[layout](x)
    np.testing.assert_array_equal(net.predict(given), net.predict(x))
    moved = np.moveaxis(np.moveaxis(x, 3, 1).copy(), 1, 3)
    np.testing.assert_array_equal(net.predict(moved), net.predict(x))


@pytest.mark.parametrize(
    "wrong",
    [
        PLAIN.astype(object),
        PLAIN.astype(str),
        PLAIN.astype(complex),
        PLAIN.astype("datetime64[s]"),
        [["a"] * 6],
        [[None] * 6],
    ],
    ids=["object", "str", "complex", "datetime", "letters", "None"],
)
def test_what_holds_no_numbers(wrong):
    net = net_for()
    before = net.parameters.flat.copy()
    for call in (net.predict, lambda x: net.fit(x, PLAIN_T[: len(x)]), lambda x: net.evaluate(x, PLAIN_T[: len(x)])):
        with pytest.raises(TypeError, match="X should hold numbers"):
            call(wrong)
    with pytest.raises(TypeError, match="y should hold numbers"):
        net.fit(PLAIN[: len(wrong)], np.asarray(wrong)[:, :3])
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize("wrong", [[[1.0, 2.0], [3.0]], {"a": 1}, "text", None, object()])
def test_what_is_no_array(wrong):
    with pytest.raises((TypeError, ValueError)):
        net_for().predict(wrong)


def test_masked_arrays_do_not_lose_their_mask():
    """Either the mask is honoured with an error, or nothing was masked."""
    masked = np.ma.masked_array(PLAIN, mask=np.zeros_like(PLAIN, dtype=bool))
    np.testing.assert_array_equal(net_for().predict(masked), net_for().predict(PLAIN))
    masked.mask[3, 2] = True
    with pytest.raises((ValueError, TypeError), match="mask"):
        net_for().predict(masked)


def test_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"numbers|sparse|toarray"):
        net_for().predict(sparse.csr_matrix(PLAIN))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_no_samples(dtype):
    """NumPy gives new empty arrays strides of 0."""
    net = net_for()
    for empty in (np.zeros((0, 6), dtype), np.ones((3, 6), dtype)[:0], np.zeros((0, 6), dtype, order="F")):
        assert net.predict(empty).shape == (0, *net.output_shape)
        with pytest.raises(ValueError, match="no samples"):
            net.fit(empty, empty[:, :1])


def test_data_frames():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(PLAIN, columns=list("abcdef"), index=np.arange(ROWS)[::-1])
    series = pd.Series(CLASSES, index=frame.index)
    net = mc.Sequential([mc.Dense(3, "softmax")], input_shape=6, seed=0)
    np.testing.assert_array_equal(net.predict(frame), net.predict(PLAIN))
    assert net.evaluate(frame, series) == net.evaluate(PLAIN, CLASSES)
    np.testing.assert_array_equal(net.predict(frame[["a", "b", "c", "d", "e", "f"]].iloc[::2]), net.predict(PLAIN[::2]))
    net.fit(frame, series, epochs=1, sample_weight=pd.Series(np.ones(ROWS)), class_weight={0: 2.0})
    bits = pd.DataFrame(PLAIN > 0)
    mixed = pd.concat([bits[[0]], frame.reset_index(drop=True)], axis=1).iloc[:, :6]
    for some in (
        mixed,
        mixed.astype({"b": "Float64"}),
        mixed.astype({"a": "Float32", 0: "boolean"}),
        bits.astype("Int64"),
        *([mixed.astype({"b": "double[pyarrow]"})] if importlib.util.find_spec("pyarrow") else []),
    ):
        np.testing.assert_array_equal(net.predict(some), net.predict(some.to_numpy(dtype=float)))
        net.fit(some, series, epochs=1)
    gap = mixed.astype({"a": "Float64"})
    gap.loc[2, "a"] = pd.NA
    with pytest.raises(ValueError, match=r"X\[2, 1\] is nan; impute"):
        net.predict(gap)
    frame["a"] = "text"
    with pytest.raises(TypeError, match="numbers"):
        net.predict(frame)
    missing = pd.DataFrame(PLAIN).astype(object)
    missing.iloc[2, 3] = None
    with pytest.raises((TypeError, ValueError), match=r"numbers|nan"):
        net.predict(missing)


def test_tensors_of_torch():
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(net_for().predict(torch.tensor(PLAIN)), net_for().predict(PLAIN))


def test_results_are_new_arrays():
    net = net_for()
    one = net.predict(PLAIN)
    kept = one.copy()
    net.predict(PLAIN + 1)
    np.testing.assert_array_equal(one, kept)
    one[:] = 7
    np.testing.assert_array_equal(net.predict(PLAIN), kept)
