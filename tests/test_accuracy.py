"""No activation, and no logarithm of a loss, is further from the exact value than docs/accuracy.md says.

The table there is what is asserted. By default over a million float32 numbers with all that are special, and with
``--slow`` over all 2^32, where each figure must also be reached.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import multicapa as mc
from helpers import ACTIVATIONS, DTYPES, ROOT, targets_for
from reference.activations import ACTIVATIONS as REFERENCES

ISAS = [isa for isa in mc._core.available_isas() if isa != "amx"]  # its functions are those of v4
CHUNK = 1 << 18
PATTERNS = {"float32": np.uint32, "float64": np.uint64}
wide = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no number type wider than float64 here")


def stated(dtype):
    """The table of docs/accuracy.md: {function: {instruction set: (error, z)}} and {function: where zeros begin}."""
    section = (ROOT / "docs" / "accuracy.md").read_text().split(f"\n## {dtype}\n")[1].split("\n## ")[0]
    errors, zeros = {}, {}
    for name, cells in re.findall(r"^\| ([a-z]+) \| (.*?) \|$", section.split("---|\n")[1], re.MULTILINE):
        fused, fused_at, plain, plain_at, zero = (cell.strip() for cell in cells.split("|"))
        errors[name] = {**dict.fromkeys(("v4", "v3", "baseline"), (fused, fused_at)), "v2": (plain, plain_at)}
        zeros[name] = float(zero or "-inf")
    return errors, zeros


ERRORS, ZEROS = ({dtype: stated(dtype)[part] for dtype in DTYPES} for part in (0, 1))
FUNCTIONS = tuple(ERRORS["float32"])
EXACT = ("linear", "step", "relu", "leaky_relu")


def computed(isa, name, z):
    """What the core makes of z."""
    if name == "log":  # as the cross-entropy of one output and the target 1
        return -mc._core.loss_costs(isa, "cross_entropy", z, np.ones_like(z))
    return mc._core.activation_values(isa, name, z)


def exact(name, z):
    """The same in a wider type."""
    with np.errstate(all="ignore"):
        wider = z.astype(np.float64 if z.dtype == np.float32 else np.longdouble)
        if name == "log":
            return np.log(np.maximum(wider, np.finfo(z.dtype).smallest_normal))
        if name == "gelu" and z.dtype == np.float64:
            return wider * normal_cdf(wider)
        return REFERENCES[name].value(wider)


def normal_cdf(z):
    """Phi(z) = 1/2 + phi(z) (z + z^3 / 3 + z^5 / (3 5) + ...), all terms of one sign; SciPy's is of no wider type."""
    near = np.clip(z, -9, 9)
    term = total = near
    for n in range(3, 300, 2):
        term = term * near * near / n
        total = total + term
    return np.where(z < -9, 0, 0.5 + total * np.exp(-near * near / 2) / np.sqrt(8 * np.arctan(np.ones_like(z))))


def in_ulp(got, right, at):
    """The error in units of the distance between neighbouring numbers around ``at``; infinity is 2^128 (2^1024)."""
    info = np.finfo(got.dtype)
    infinity = np.ldexp(right.dtype.type(1), info.maxexp)
    with np.errstate(invalid="ignore"):
        difference = np.abs(np.clip(got.astype(right.dtype), -infinity, infinity) - right)
    difference[np.isnan(difference)] = np.inf
    difference[np.isnan(got) & np.isnan(right)] = 0
    with np.errstate(invalid="ignore"):  # NumPy's frexp of infinity, on some processors
        exponent = np.frexp(at)[1]
    return np.ldexp(difference, info.nmant + 1 - np.maximum(exponent, info.minexp + 1))


def largest_errors(name, z):
    """For each instruction set the largest error and its z, zeros left out where the table has them."""
    dtype, bits = z.dtype, PATTERNS[z.dtype.name]
    right = exact(name, z)
    with np.errstate(all="ignore"):
        rounded = right.astype(dtype)
    found = {}
    for isa in ISAS:
        got = computed(isa, name, z)
        # Those that are rounded correctly, by far the most, are within half a ULP.
        rest = np.flatnonzero(got.view(bits) != rounded.view(bits))
        rest = rest[(got[rest] != 0) | ~(z[rest] < ZEROS[dtype.name][name])]
        errors = in_ulp(got[rest], right[rest], (z if name == "gelu" else right)[rest])
        worst = errors.argmax() if errors.size else None
        found[isa] = (0.5, 0.0) if worst is None else (float(errors[worst]), float(z[rest[worst]]))
    return found


def largest_of_all(name, chunks):
    """Over the chunks that each call makes, on all processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda chunk: largest_errors(name, chunk()), chunks))
    return {isa: max(each[isa] for each in found) for isa in ISAS}


def assert_within(found, name, dtype):
    for isa, (error, z) in found.items():
        bound, _ = ERRORS[dtype][name][isa]
        assert error <= float(bound), f"{name} in {dtype} on {isa} is off by {error:.4g} ULP at z = {z!r}"


def assert_as_stated(found, name, dtype):
    """The largest error is what the table says, rounded up to a tenth, and is where it says."""
    rows = {isa: (f"{np.ceil(10 * error) / 10:.1f}", f"{z:.4g}") for isa, (error, z) in found.items()}
    assert rows == {isa: ERRORS[dtype][name][isa] for isa in ISAS}


def special_numbers(dtype):
    """Zeros, infinities, NaN, the ends of the ranges, and where the formulas change, with three neighbours each way."""
    info, bits = np.finfo(dtype), PATTERNS[dtype]
    halves = np.arange(2300) * (np.log(2) / 2)
    powers = np.ldexp(1.0, np.arange(info.minexp - info.nmant, info.maxexp))
    edges = [-edge for edge in ZEROS[dtype].values() if np.isfinite(edge)]
    numbers = np.concatenate([[0, np.inf, info.tiny], halves, powers, edges]).astype(dtype)
    neighbours = numbers.view(bits).astype(np.int64)[:, None] + np.arange(-3, 4)
    numbers = np.unique(neighbours.clip(0).astype(bits)).view(dtype)  # beyond infinity lie the NaN
    return np.concatenate([numbers, -numbers])


def random_doubles(count, seed):
    """Over ranges that end where one function or another becomes constant, over magnitudes, and over bit patterns."""
    rng = np.random.default_rng(seed)
    share = count // 6
    ranges = [rng.uniform(-end, end, share) for end in (1, 8, 40, 746)]
    magnitudes = np.exp2(rng.uniform(-80, 10, share)) * rng.choice([-1, 1], share)
    patterns = rng.integers(0, 1 << 64, share, np.uint64).view(np.float64)
    return np.concatenate([*ranges, magnitudes, patterns])


def bit_patterns(stride):
    """Calls that make all float32 numbers, or every so many, in chunks."""
    for first in range(0, 1 << 32, stride * CHUNK):
        last = min(first + stride * CHUNK, 1 << 32)
        yield lambda first=first, last=last: np.arange(first, last, stride, np.uint64).astype(np.uint32).view("float32")


def quick(dtype):
    """Calls that make over a million float32 numbers, 60,000 float64 numbers, and all that are special."""
    many = [*bit_patterns(4099)] if dtype == "float32" else [lambda: random_doubles(60_000, 0)]
    return [*many, lambda: special_numbers(dtype)]


def quick_numbers(dtype):
    """The same in one array, without NaN."""
    z = np.concatenate([make() for make in quick(dtype)])
    return z[~np.isnan(z)]


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=wide)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors(name, dtype):
    assert_within(largest_of_all(name, quick(dtype)), name, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_float32(name):
    assert_as_stated(largest_of_all(name, bit_patterns(1)), name, "float32")


@wide
@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_thirty_million_float64(name):
    chunks = [lambda seed=seed: random_doubles(60_000, seed) for seed in range(500)]
    assert_as_stated(largest_of_all(name, chunks), name, "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name, zero in ZEROS["float32"].items() if np.isfinite(zero)])
def test_zeros_begin_where_stated(name, dtype):
    z = np.array([-2, 2], dtype) * np.array(1e-4, dtype) + np.array(ZEROS[dtype][name], dtype)
    for isa in ISAS:
        assert (computed(isa, name, z) != 0).tolist() == [False, True], isa


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_the_others_are_exact(name, dtype):
    """Of leaky_relu one product, with the slope as the dtype has it."""
    z = quick_numbers(dtype)
    slope = REFERENCES[name].default and z.dtype.type(REFERENCES[name].default)
    for isa in ISAS:
        np.testing.assert_array_equal(computed(isa, name, z), REFERENCES[name].value(z, slope))


def test_every_activation_is_stated_or_exact():
    """But softmax, which is no function of one number."""
    assert {*FUNCTIONS, *EXACT, "softmax"} == {*ACTIVATIONS, "log"}
    assert tuple(ERRORS["float64"]) == FUNCTIONS


def test_the_docstring_states_the_largest():
    largest = {
        dtype: max(float(error) for row in ERRORS[dtype].values() for error, _ in row.values()) for dtype in DTYPES
    }
    text = " ".join(mc.Activation.__doc__.split())
    assert f"{largest['float32']} ULP in float32, {largest['float64']} in float64" in text


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1), ("softplus", 0, np.inf)])
def test_no_rounding_leaves_the_range(name, low, high, dtype):
    z = quick_numbers(dtype)
    for isa in ISAS:
        a = computed(isa, name, z)
        assert a.min() >= low
        assert a.max() <= high
        if name == "tanh":
            np.testing.assert_array_equal(computed(isa, name, -z), -a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("isa", ISAS)
def test_nan_is_never_hidden(isa, dtype):
    """In no lane of a whole or of a partial register."""
    for place in range(37):
        z = np.linspace(-3, 3, 37, dtype=dtype)
        z[place] = np.nan
        for name in (*FUNCTIONS, *EXACT):
            assert np.isnan(computed(isa, name, z)).nonzero()[0].tolist() == [place], name
        for loss in mc.losses.names():
            targets = targets_for(loss, np.random.default_rng(0), z.shape).astype(dtype)
            found = np.isnan(mc._core.loss_costs(isa, loss, np.abs(z), targets))
            assert found.nonzero()[0].tolist() == [place], loss
