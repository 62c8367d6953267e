import gc
import warnings

import h5py
import numpy as np
import pytest
import torch

from genprobe.errors import ModelError
from genprobe.loaders.rows import fingerprint, h5_rows, npz_rows, rows_of

VALUES = np.random.default_rng(0).normal(size=(50, 3, 2)).astype(np.float32)


def from_npz(save, tmp_path, values):
    save(tmp_path / "a.npz", a=values)
    return npz_rows(tmp_path / "a.npz", "a.npy")


def from_h5(tmp_path, values, reverse=False):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = values
    return h5_rows(h5py.File(tmp_path / "a.h5")["a"], reverse)


SOURCES = {
    "numpy": lambda tmp_path, v: rows_of(v),
    "torch": lambda tmp_path, v: rows_of(torch.from_numpy(v).requires_grad_()),
    "npz": lambda tmp_path, v: from_npz(np.savez, tmp_path, v),
    "compressed": lambda tmp_path, v: from_npz(np.savez_compressed, tmp_path, v),
    "fortran": lambda tmp_path, v: from_npz(np.savez, tmp_path, np.asfortranarray(v)),
    "big-endian": lambda tmp_path, v: from_npz(np.savez, tmp_path, v.astype(">f4")),
    "h5": from_h5,
    "h5-reversed": lambda tmp_path, v: from_h5(tmp_path, v.T, reverse=True),
}


@pytest.fixture(params=SOURCES)
def rows(request, tmp_path):
    return SOURCES[request.param](tmp_path, VALUES)


def test_rows_are_those_of_the_array_in_any_order(rows):
    assert rows.shape == VALUES.shape
    for start, stop in [(0, 10), (10, 50), (3, 4), (49, 50), (0, 50)]:
        assert np.array_equal(rows.read(start, stop), VALUES[start:stop])
    assert np.array_equal(rows.whole(), VALUES)


def test_tensors_are_float32_as_the_array_was(rows):
    found = rows.tensor(5, 9)
    assert found.dtype == torch.float32
    assert torch.equal(found, torch.from_numpy(VALUES[5:9]))


def test_the_fingerprint_is_that_of_the_content_wherever_it_lies(rows):
    assert fingerprint({"a": rows}) == fingerprint({"a": rows_of(VALUES)})


def test_the_fingerprint_tells_names_shapes_dtypes_and_values_apart():
    changed = VALUES.copy()
    changed[49, 2, 1] += 1
    prints = {
        fingerprint({name: rows_of(values)})
        for name, values in [
            ("a", VALUES),
            ("b", VALUES),
            ("a", VALUES.reshape(50, 6)),
            ("a", VALUES.astype(np.float64)),
            ("a", changed),
        ]
    }
    assert len(prints) == 5


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint8, np.longdouble])
def test_what_float32_would_round_becomes_float64(dtype):
    values = np.arange(5).astype(dtype)
    assert rows_of(values).tensor(0, 5).dtype == torch.float64


def test_bfloat16_and_half_become_float32():
    for dtype in (torch.bfloat16, torch.float16):
        found = rows_of(torch.tensor([0.5, 1.5], dtype=dtype)).tensor(0, 2)
        assert torch.equal(found, torch.tensor([0.5, 1.5]))


def test_an_array_in_memory_is_not_copied():
    assert np.shares_memory(rows_of(torch.from_numpy(VALUES)).read(2, 5), VALUES)


@pytest.mark.parametrize("source", ["numpy", "npz", "h5"])
def test_a_single_number_is_read_whole(source, tmp_path):
    rows = SOURCES[source](tmp_path, np.array(2.5))
    assert rows.shape == ()
    assert rows.whole() == 2.5


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_members_of_one_archive_are_read_in_turn(tmp_path, save):
    save(tmp_path / "a.npz", a=VALUES, b=-VALUES)
    a, b = (npz_rows(tmp_path / "a.npz", f"{name}.npy") for name in "ab")
    for start, stop in [(0, 2), (7, 9), (20, 50)]:  # rows left out are sought past
        assert np.array_equal(a.read(start, stop), VALUES[start:stop])
        assert np.array_equal(b.read(start, stop), -VALUES[start:stop])


def test_objects_are_refused_before_they_are_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}, None], object))
    with pytest.raises(ModelError, match="holds Python objects as a, which would be unpickled"):
        npz_rows(tmp_path / "a.npz", "a.npy")


def test_a_file_kept_open_closes_itself_without_a_warning(tmp_path):
    np.savez(tmp_path / "a.npz", a=VALUES)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cycle = [npz_rows(tmp_path / "a.npz", "a.npy")]
        cycle.append(cycle)
        del cycle
        gc.collect()
    assert not caught
