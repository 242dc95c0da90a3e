"""Splits and scales."""

import numpy as np
import pytest

from multicapa.data import train_dev_test_split

pd = pytest.importorskip("pandas")
X, y = np.arange(40).reshape(20, 2), np.arange(20) % 2


@pytest.mark.parametrize(("dev", "test", "sizes"), [(0.2, 0.2, (12, 4, 4)), (0, 0.5, (10, 0, 10)), (0, 0, (20, 0, 0))])
def test_parts_have_their_shares_and_every_row_is_in_one(dev, test, sizes):
    split = train_dev_test_split(X, y, dev=dev, test=test, seed=0)
    parts = (split.X_train, split.X_dev, split.X_test)
    assert tuple(map(len, parts)) == sizes == tuple(map(len, (split.y_train, split.y_dev, split.y_test)))
    assert sorted(np.concatenate(parts)[:, 0]) == X[:, 0].tolist()
    assert all(np.bincount(labels, minlength=2).std() == 0 for labels in (split.y_train, split.y_dev, split.y_test))


def test_an_empty_part_is_of_the_same_kind():
    frame = pd.DataFrame(X, columns=["a", "b"])
    split = train_dev_test_split(frame, y.tolist(), dev=0.5, test=0)
    assert list(split.X_test.columns) == ["a", "b"]
    assert split.y_test == []


@pytest.mark.parametrize(("dev", "test"), [(-0.1, 0.1), (0.5, 0.5), (1, 0)])
def test_shares_that_leave_nothing(dev, test):
    with pytest.raises(ValueError, match=r"below 1|at least 0"):
        train_dev_test_split(X, y, dev=dev, test=test)


def test_samples_in_order_of_time_stay_in_order():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    split = train_dev_test_split(np.arange(100), y, dev=0.2, test=0.1, shuffle=False)
    assert np.concatenate(split[:3]).tolist() == list(range(100))
    assert [len(part) for part in split[:3]] == [70, 20, 10]
    with pytest.raises(ValueError, match="stratify=True needs shuffle=True"):
        train_dev_test_split(np.arange(100), y, shuffle=False, stratify=True)
