"""Augmentation of images: each augmenter does what it says, repeatably, and leaves the samples it was given alone."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers import all_equal, rng
from multicapa.augment import ColorChange, Crop, HorizontalFlip, Images, Noise, ResizedCrop, Rotation

IMAGE_AUGMENTERS = [
    HorizontalFlip(),
    Rotation(30),
    Rotation((-10, 50), fill="edge"),
    Crop(2),
    Crop(3, fill=0.5),
    Crop(1, fill="edge"),
    ResizedCrop(0.5),
    ColorChange(0.3, 0.3),
    Noise(0.2),
    Images([HorizontalFlip(), Crop(1), Noise(0.1)], value_range=(0, 1)),
]


def images(count=20, *, side=(6, 8), channels=(), dtype="float32", seed=1):
    return rng(seed).random((count, *side, *channels)).astype(dtype)


# ---- what holds for all augmenters of images ----


@pytest.mark.parametrize("augment", IMAGE_AUGMENTERS, ids=repr)
class TestEveryImageAugmenter:
    @pytest.mark.parametrize("channels", [(), (1,), (3,), (5,)])
    @pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "float16"])
    def test_shape_and_type_stay_and_the_original_is_untouched(self, augment, dtype, channels):
        X = images(channels=channels, dtype=dtype)
        before = X.copy()
        X.flags.writeable = False
        new = augment(X, rng())
        assert (new.shape, new.dtype) == (X.shape, X.dtype)
        assert all_equal(X, before)
        assert not np.shares_memory(new, X)
        assert not all_equal(new, X)
        assert np.isfinite(new).all()

    def test_the_seed_decides(self, augment):
        X = images()
        assert all_equal(augment(X, rng(3)), augment(X, rng(3)))
        assert not all_equal(augment(X, rng(3)), augment(X, rng(4)))

    def test_each_call_differs(self, augment):
        X, generator = images(), rng()
        assert not all_equal(augment(X, generator), augment(X, generator))

    def test_each_image_differs(self, augment):
        new = augment(np.broadcast_to(images(1), (30, 6, 8)), rng())
        assert len({image.tobytes() for image in new}) > 1

    def test_threads_may_share_it(self, augment):
        X = images(200)
        with ThreadPoolExecutor(4) as pool:
            several = list(pool.map(lambda seed: augment(X, rng(seed)), [0, 1] * 4))
        assert all_equal(*several[::2])
        assert all_equal(*several[1::2], augment(X, rng(1)))

    def test_any_layout(self, augment):
        X = images()
        strided = np.zeros((40, 6, 16), dtype="float32")[::2, :, ::2]
        strided[:] = X
        wanted = augment(X, rng())
        assert all_equal(wanted, augment(strided, rng()), augment(np.asfortranarray(X), rng()))

    def test_large_sets_go_in_blocks(self, augment):
        X = images(20000)
        new = augment(X, rng())
        first, last = new[:100], new[-100:]
        assert np.abs(last.mean() - first.mean()) < 0.1
        assert not all_equal(last, X[-100:])

    def test_no_samples(self, augment):
        assert augment(np.zeros((0, 6, 8)), rng()).shape == (0, 6, 8)

    def test_pickle(self, augment):
        assert pickle.loads(pickle.dumps(augment)) == augment

    def test_whole_numbers(self, augment):
        X = (images(side=(7, 7)) * 255).astype("uint8")
        new = augment(X, rng())
        assert new.dtype == np.uint8

    def test_flat_rows_are_reshaped(self, augment):
        X = images(channels=(3,))
        wanted = augment(X, rng())
        rows = Images([augment], shape=(6, 8, 3))(X.reshape(20, -1), rng())
        assert rows.shape == (20, 144)
        assert all_equal(rows.reshape(X.shape), wanted)
        assert all_equal(Images([augment], shape=(6, 8, 3))(X, rng()), wanted)

    def test_wrong_rng(self, augment):
        with pytest.raises(TypeError, match="numpy Generator"):
            augment(images(), 0)

    def test_wrong_samples(self, augment):
        with pytest.raises(TypeError, match="X should hold numbers"):
            augment(np.array([[["a"]]]), rng())
        with pytest.raises(ValueError, match="X should have shape"):
            augment(np.zeros(5), rng())
        if not isinstance(augment, Noise):
            with pytest.raises(ValueError, match=r"flat rows write Images"):
                augment(np.zeros((5, 64)), rng())


# ---- each of them ----


def test_flip_is_numpys_and_twice_is_identity():
    X, flip = images(channels=(3,)), HorizontalFlip(p=1)
    assert all_equal(flip(X, rng()), X[:, :, ::-1])
    assert all_equal(flip(flip(X, rng()), rng()), X)
    assert all_equal(HorizontalFlip(p=0)(X, rng()), X)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_share_of_flips(p):
    X = images(5000, side=(2, 2))
    new = HorizontalFlip(p)(X, rng())
    flipped = (new == X[:, :, ::-1]).all(axis=(1, 2))
    assert (flipped | (new == X).all(axis=(1, 2))).all()
    assert abs(flipped.mean() - p) < 4 * np.sqrt(p * (1 - p) / 5000)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int64"])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("fill", [0, "edge"])
@pytest.mark.parametrize("side", [5, 8])
def test_right_angles_are_numpys(dtype, channels, fill, side):
    X = (images(side=(side, side), channels=channels, dtype="float64") * 100).astype(dtype)
    assert all_equal(Rotation(0)(X, rng()), X)
    for quarters in (-1, 1, 2, 3, 4):
        degrees = (90 * quarters, 90 * quarters)
        assert all_equal(Rotation(degrees, fill)(X, rng()), np.rot90(X, quarters, axes=(1, 2)))


def test_rotation_by_any_angle_turns_about_the_centre():
    y, x = np.mgrid[:21, :21] - 10.0
    for angle in (-40, 15, 70):
        a = np.deg2rad(angle)
        there = (10 - 6 * np.sin(a), 10 + 6 * np.cos(a))  # counterclockwise with rows downwards
        blob = np.exp(-((x - 6) ** 2 + y**2) / 4)
        new = Rotation((angle, angle))(blob[None], rng())[0]
        centre = [(new * (axis + 10)).sum() / new.sum() for axis in (y, x)]
        np.testing.assert_allclose(centre, there, atol=0.05)


def test_rotation_draws_from_the_whole_range():
    y, x = np.mgrid[:21, :21] - 10.0
    blob = np.exp(-((x - 6) ** 2 + y**2) / 4)
    new = Rotation(30)(np.broadcast_to(blob, (400, 21, 21)), rng())
    angles = np.rad2deg(np.arctan2(-(new * y).sum(axis=(1, 2)), (new * x).sum(axis=(1, 2))))
    assert -30.5 < angles.min() < -27
    assert 27 < angles.max() < 30.5
    assert abs(angles.mean()) < 4


def test_rotation_fills_the_corners():
    X = np.ones((1, 9, 9))
    turned = {fill: Rotation((45, 45), fill)(X, rng())[0] for fill in (0, 7, "edge")}
    assert turned[0][0, 0] == 0
    assert turned[7][0, 0] == 7
    np.testing.assert_allclose(turned["edge"], 1)
    assert all(new[4, 4] == pytest.approx(1) for new in turned.values())


def test_channels_go_the_same_way():
    X = np.repeat(images(side=(7, 7))[..., None], 3, axis=3)
    for augment in (Rotation(45), Crop(2), ResizedCrop(0.4), HorizontalFlip(), ColorChange()):
        new = augment(X, rng())
        np.testing.assert_allclose(new[..., 0], new[..., 2], rtol=1e-6)


@pytest.mark.parametrize("fill", [0, 9.0, "edge"])
def test_crop_is_a_shift(fill):
    X = images(300, side=(5, 7))
    new = Crop(2, fill)(X, rng())
    around = ((2, 2), (2, 2))
    seen = set()
    for old_image, new_image in zip(X, new, strict=True):
        padded = (
            np.pad(old_image, around, mode="edge")
            if fill == "edge"
            else np.pad(old_image, around, constant_values=fill)
        )
        places = [(i, j) for i in range(5) for j in range(5) if all_equal(padded[i : i + 5, j : j + 7], new_image)]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 25


def test_crop_of_nothing():
    X = images()
    assert all_equal(Crop(0)(X, rng()), X)
    assert all_equal(ResizedCrop((1, 1))(X, rng()), X)
    with pytest.raises(ValueError, match="less than height and width, but 6 is not for 6 x 8"):
        Crop(6)(X, rng())


def test_resized_crop_keeps_straight_lines_and_enlarges():
    """On a ramp, linear interpolation is exact: the slope shows the share of the area."""
    ramp = np.broadcast_to(np.arange(32.0), (400, 32, 32))
    new = ResizedCrop((0.25, 0.64))(ramp, rng())
    inner = new[:, :, 2:-2]
    slopes = np.diff(inner, axis=2)
    np.testing.assert_allclose(slopes, slopes[:, :1, :1] * np.ones_like(slopes), atol=1e-9)
    sides = slopes[:, 0, 0]
    assert 0.5 <= sides.min() < 0.52
    assert 0.78 < sides.max() <= 0.8
    assert abs((sides**2).mean() - 0.445) < 0.03  # the area is drawn evenly
    left = inner[:, 0, 0] - 2 * sides  # where the part's first column is taken
    places = (left - sides / 2 + 0.5) / (32 * (1 - sides))
    assert places.min() >= -1e-9
    assert places.max() <= 1 + 1e-9
    assert abs(places.mean() - 0.5) < 0.06
    assert new.min() >= -1e-9
    assert new.max() <= 31 + 1e-9


def test_brightness():
    X = images(2000, dtype="float64")
    factors = ColorChange(brightness=0.4, contrast=0)(X, rng()) / X
    np.testing.assert_allclose(factors, factors[:, :1, :1] * np.ones_like(factors))
    assert 0.6 <= factors.min() < 0.61
    assert 1.39 < factors.max() <= 1.4
    assert abs(factors.mean() - 1) < 0.03


def test_contrast_keeps_the_mean():
    X = images(2000, dtype="float64")
    new = ColorChange(brightness=0, contrast=0.4)(X, rng())
    np.testing.assert_allclose(new.mean(axis=(1, 2)), X.mean(axis=(1, 2)))
    factors = new.std(axis=(1, 2)) / X.std(axis=(1, 2))
    assert 0.6 <= factors.min() < 0.61
    assert 1.39 < factors.max() <= 1.4


def test_saturation_keeps_grey():
    X = images(2000, channels=(3,), dtype="float64")
    luma = np.array([0.299, 0.587, 0.114])
    new = ColorChange(brightness=0, contrast=0, saturation=1)(X, rng())
    np.testing.assert_allclose(new @ luma, X @ luma)
    factors = (new - (X @ luma)[..., None]).std(axis=(1, 2, 3)) / (X - (X @ luma)[..., None]).std(axis=(1, 2, 3))
    assert factors.min() < 0.01
    assert 1.99 < factors.max() <= 2
    with pytest.raises(ValueError, match="3 channels, not 1"):
        ColorChange(saturation=0.1)(images(), rng())


def test_no_change_of_colour():
    X = images(channels=(3,))
    assert all_equal(ColorChange(0, 0, 0)(X, rng()), X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_has_mean_and_deviation(dtype):
    X = images(2000, dtype=dtype)
    noise = (Noise(0.3)(X, rng()) - X).ravel()
    assert abs(noise.mean()) < 4 * 0.3 / np.sqrt(noise.size)
    assert abs(noise.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * noise.size)
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 4 / np.sqrt(noise.size)
    assert all_equal(Noise(0)(X, rng()), X)


def test_noise_takes_plain_rows():
    X = np.zeros((50, 4))
    assert Noise(1)(X, rng()).shape == (50, 4)
    assert 0 < Noise(1)([[0, 0], [0, 0]], rng()).std() < 5


def test_whole_numbers_are_clipped_and_rounded():
    new = Noise(20)(np.full((100, 4, 4), 250, dtype="uint8"), rng())
    assert new.max() == 255
    assert new.min() > 150
    brighter = ColorChange(brightness=0.5, contrast=0)(np.full((100, 2, 2), 100, dtype="int8"), rng())
    assert brighter.max() == 127
    assert brighter.min() >= 50
    flags = HorizontalFlip(1)(np.array([[[True, False]]]), rng())
    assert flags.dtype == bool
    assert flags.tolist() == [[[False, True]]]


# ---- several ----


def test_images_apply_in_order_and_clip():
    X = images(50, dtype="float64")
    generator = rng()
    wanted = np.clip(Noise(0.5)(HorizontalFlip(p=1)(X, generator), generator), 0, 1)
    assert all_equal(Images([HorizontalFlip(p=1), Noise(0.5)], value_range=(0, 1))(X, rng()), wanted)
    assert (wanted.min(), wanted.max()) == (0, 1)


def test_images_take_any_function():
    def negative(X, generator):
        assert isinstance(generator, np.random.Generator)
        X *= -1  # its own copy
        return X

    X = images()
    before = X.copy()
    new = Images([negative, lambda X, rng: X + 1.0])(X, rng())
    np.testing.assert_allclose(new, 1 - before)
    assert new.dtype == X.dtype
    assert all_equal(X, before)


def test_whole_numbers_are_rounded_once_only():
    X = np.full((500, 4, 4), 100, dtype="uint8")
    new = Images([lambda X, rng: X + 0.4, lambda X, rng: X + 0.4])(X, rng())
    assert (new == 101).all()


def test_images_refuse_wrong_samples():
    augment = Images([HorizontalFlip()], shape=(8, 8))
    with pytest.raises(ValueError, match=r"\(n_samples, 8, 8\) or \(n_samples, 64\), not \(5, 63\)"):
        augment(np.zeros((5, 63)), rng())
    with pytest.raises(ValueError, match=r"should return shape \(5, 8, 8\), not \(5, 64\)"):
        Images([lambda X, rng: X.reshape(5, 64)], shape=(8, 8))(np.zeros((5, 64)), rng())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: HorizontalFlip(1.5), ValueError, "p should be at most 1, not 1.5"),
        (lambda: HorizontalFlip(-0.1), ValueError, "p should be at least 0"),
        (lambda: HorizontalFlip("half"), TypeError, "p should be a number"),
        (lambda: Rotation(-5), ValueError, "degrees should be at least 0"),
        (lambda: Rotation(np.nan), ValueError, "degrees should be"),
        (lambda: Rotation((10, -10)), ValueError, "low <= high"),
        (lambda: Rotation((1, 2, 3)), TypeError, "a pair"),
        (lambda: Rotation(10, fill="nearest"), ValueError, "a number or 'edge', not 'nearest'"),
        (lambda: Crop(1.5), TypeError, "padding should be an integer"),
        (lambda: Crop(-1), ValueError, "padding should be at least 0"),
        (lambda: Crop(1, fill=None), TypeError, "fill should be a number"),
        (lambda: ResizedCrop(0), ValueError, "scale should be above 0"),
        (lambda: ResizedCrop((0.5, 1.2)), ValueError, "scale should be at most 1"),
        (lambda: ResizedCrop("big"), TypeError, "scale should be a number"),
        (lambda: ColorChange(brightness=2), ValueError, "brightness should be at most 1"),
        (lambda: ColorChange(contrast=-1), ValueError, "contrast should be at least 0"),
        (lambda: ColorChange(saturation=True), TypeError, "saturation should be a number"),
        (lambda: Noise(-1), ValueError, "stddev should be at least 0"),
        (lambda: Images([]), ValueError, "at least one augmenter"),
        (lambda: Images(Noise(1)), ValueError, "a list of at least one augmenter"),
        (lambda: Images([HorizontalFlip]), TypeError, "augmenters should be augmenters: functions"),
        (lambda: Images([3]), TypeError, "not 3"),
        (lambda: Images([Noise(1)], shape=64), ValueError, "shape should be"),
        (lambda: Images([Noise(1)], shape=(8, 0)), ValueError, "shape should be at least 1"),
        (lambda: Images([Noise(1)], shape=(8, 8.0)), TypeError, "shape should be an integer"),
        (lambda: Images([Noise(1)], value_range=(1, 1)), ValueError, "low < high"),
        (lambda: Images([Noise(1)], value_range=16), TypeError, "value_range should be a pair"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
