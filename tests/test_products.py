"""Products in tiles: float32 from three bfloat16 each, at every edge of a tile, of a strip and of a block."""

import numpy as np
import pytest

import multicapa as mc

pytestmark = pytest.mark.skipif("amx" not in mc._core.available_isas(), reason="the processor has no tiles")

ROWS = (1, 7, 15, 16, 17, 31, 33, 49, 257)
COLUMNS = (1, 15, 16, 17, 33, 47, 64, 65, 129)
DEPTHS = (1, 8, 15, 16, 17, 31, 32, 33, 129)


def operand(matrix, rows_run_along, gap):
    """The matrix as its rows or its columns lie in memory, with a gap between them."""
    lying = matrix if rows_run_along else matrix.T
    room = np.full((lying.shape[0], lying.shape[1] + gap), np.nan, np.float32)
    room[:, : lying.shape[1]] = lying
    return room[:, : lying.shape[1]]


def product(a, b, *, a_along=True, b_along=False, gap=0, c=None, **options):
    c = np.zeros((a.shape[0], b.shape[1]), np.float32) if c is None else c
    mc._core.multiply_tiles(
        "amx", operand(a, a_along, gap), a_along, operand(b, not b_along, gap), b_along, c, **options
    )
    return c


def normal(random, *shape):
    return random.standard_normal(shape).astype(np.float32)


def error(result, a, b, start=0.0):
    """In units of what the products add up to without their signs."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.max(np.abs(result - (a @ b + start)) / (np.abs(a) @ np.abs(b) + np.abs(start) + 1e-300))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("columns", COLUMNS)
def test_integers_are_exact(rows, columns):
    """Their sums are exact in any order, so every tile, edge and start must be right to the last bit."""
    random = np.random.default_rng(rows * 1000 + columns)
    for depth in DEPTHS:
        a = random.integers(-9, 10, (rows, depth)).astype(np.float32)
        b = random.integers(-9, 10, (depth, columns)).astype(np.float32)
        per_column = random.integers(-9, 10, columns).astype(np.float32)
        per_row = random.integers(-9, 10, rows).astype(np.float32)
        for a_along in (True, False):
            for b_along in (True, False):
                how = {"a_along": a_along, "b_along": b_along, "gap": 3}
                np.testing.assert_array_equal(product(a, b, **how), a @ b)
                np.testing.assert_array_equal(product(a, b, per_column=per_column, **how), a @ b + per_column)
        np.testing.assert_array_equal(product(a, b, per_row=per_row), a @ b + per_row[:, None])
        room = np.full((rows, columns + 2), 5, np.float32)
        product(a, b, c=room[:, :columns], accumulate=True)
        np.testing.assert_array_equal(room[:, :columns], a @ b + 5)
        np.testing.assert_array_equal(room[:, columns:], 5)  # what lies behind C's columns stays as it is


@pytest.mark.parametrize("shape", [(64, 64, 64), (300, 70, 1100), (20, 130, 2100), (600, 40, 50)])
def test_as_accurate_as_float32(shape):
    rows, columns, depth = shape
    random = np.random.default_rng(0)
    a, b = normal(random, rows, depth), normal(random, depth, columns)
    ours, of_numpy = error(product(a, b), a, b), error(a @ b, a, b)
    assert ours <= max(2 * of_numpy, 2.0**-22), (ours, of_numpy)


def test_numbers_of_any_size():
    """Every part keeps the exponent of its number, so neither large nor small ones lose digits."""
    random = np.random.default_rng(1)
    scales = 10.0 ** random.uniform(-15, 15, (40, 50))
    a = (normal(random, 40, 50) * scales).astype(np.float32)
    b = normal(random, 50, 30)
    assert error(product(a, b), a, b) < 2.0**-21
    assert error(product(a * np.float32(1e-20), b), a * np.float32(1e-20), b) < 2.0**-20


def test_one_product_is_exact_to_the_last_bits():
    """All the parts that matter are there: one number by one number, against the exact product."""
    random = np.random.default_rng(2)
    a, b = normal(random, 500, 1), normal(random, 1, 500)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert np.max(np.abs(product(a, b) - exact) / np.abs(exact)) < 2.0**-22


def test_what_is_not_finite_stays_so():
    a, b = np.ones((20, 40), np.float32), np.ones((40, 20), np.float32)
    a[3, 5] = np.inf
    a[4, 6] = np.nan
    c = product(a, b)
    assert not np.isfinite(c[3:5]).any()
    assert np.isfinite(np.delete(c, [3, 4], axis=0)).all()


def test_rows_do_not_depend_on_their_neighbours():
    """The same bits for a row of A, whatever stands in the other rows and however many there are."""
    random = np.random.default_rng(3)
    a, b = normal(random, 100, 90), normal(random, 90, 70)
    whole = product(a, b)
    for first, last in ((0, 1), (17, 18), (20, 60), (99, 100)):
        np.testing.assert_array_equal(product(a[first:last], b), whole[first:last])


def test_shapes_must_fit():
    a, b = np.ones((3, 4), np.float32), np.ones((5, 2), np.float32)
    with pytest.raises(ValueError, match="do not fit together"):
        product(a, b)
    with pytest.raises(ValueError, match="has no tiles"):
        mc._core.multiply_tiles("v2", a, True, a, True, np.ones((3, 3), np.float32))
