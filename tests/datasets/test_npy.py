import os

import numpy as np
import pytest

from genprobe.datasets.npy import NpyArray
from genprobe.errors import DataError

VALUES = np.arange(60.0).reshape(10, 3, 2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.npy"


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "u1", "i8", "?", "<U3"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_are_those_of_the_array(path, dtype, order):
    values = VALUES.astype(dtype, order=order)
    np.save(path, values)
    found = NpyArray(path)
    assert (found.shape, found.dtype, found.ndim, len(found)) == (
        values.shape,
        values.dtype,
        3,
        10,
    )
    for rows in (slice(0, 10), slice(3, 7), slice(9, 20), slice(4, 4), slice(7, 3)):
        assert np.array_equal(found[rows], values[rows])
    assert np.array_equal(found.whole, values)


@pytest.mark.parametrize("values", [np.float64(3), np.empty((0, 4)), np.arange(5)])
def test_arrays_of_every_shape_come_back_whole(path, values):
    np.save(path, values)
    assert np.array_equal(NpyArray(path).whole, values)


def test_a_file_that_is_cut_short_meanwhile_is_told(path):
    np.save(path, np.ones((1000, 1000)))
    found = NpyArray(path)
    os.truncate(path, 4000)
    with pytest.raises(DataError, match=r"x\.npy does not read as \.npy: it is cut short"):
        found[900:1000]


@pytest.mark.parametrize("held", [8 * 59, 8 * 61])
def test_a_file_that_holds_less_or_more_than_it_says_is_refused(path, held):
    np.save(path, VALUES)
    content = path.read_bytes()[:128] + bytes(held)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"it claims 480 bytes and has {held}"):
        NpyArray(path)


def test_objects_are_refused(path):
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match="would be unpickled"):
        NpyArray(path)
