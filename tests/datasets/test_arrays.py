import h5py
import numpy as np
import pytest
import scipy.sparse
import torch

from genprobe.datasets.arrays import arrays
from genprobe.errors import DataError

X = np.arange(12, dtype=np.float32).reshape(4, 3)
OTHER = np.zeros((2, 5), np.float32)


def write_h5(path, content):
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values


WRITERS = {
    ".npz": lambda path, content: np.savez(path, **content),
    ".pt": lambda path, content: torch.save(
        {k: torch.from_numpy(v) for k, v in content.items()}, path
    ),
    ".pth": lambda path, content: torch.save(
        {"epoch": 3, **{k: torch.from_numpy(v) for k, v in content.items()}}, path
    ),
    ".h5": write_h5,
    ".hdf5": write_h5,
}


@pytest.fixture(params=WRITERS)
def suffix(request):
    return request.param


def same(dataset, name):
    assert (dataset.name, dataset.n, dataset.event_shape) == (name, 4, (3,))
    np.testing.assert_array_equal(dataset.read(1, 3), X[1:3])


def test_one_array_needs_no_name(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    WRITERS[suffix](path, {"x": X})
    same(arrays.open(str(path), None), "data")


def test_of_several_arrays_one_is_named(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    WRITERS[suffix](path, {"a": X, "b": OTHER})
    same(arrays.open(f"{path}::a", None), "data::a")
    with pytest.raises(DataError, match=r"2 arrays; it has a, b.*\n.*::NAME"):
        arrays.open(str(path), None)
    with pytest.raises(DataError, match="no array 'z'; it has a, b"):
        arrays.open(f"{path}::z", None)


def test_an_array_of_a_known_name_is_the_input_and_arrays_of_as_many_rows_are_beside_it(
    tmp_path, suffix
):
    path = tmp_path / f"data{suffix}"
    labels = np.array([3, 1, 2, 0], np.uint8)
    WRITERS[suffix](path, {"digit": labels, "other": OTHER, "image": X})
    dataset = arrays.open(str(path), None)
    same(dataset, "data")
    found = dataset.covariates(1, 3)
    assert found.keys() == {"digit"}
    assert found["digit"].dtype == torch.int64
    assert found["digit"].tolist() == [1, 2]


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_text_is_beside_the_input_as_text(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    names = np.array(["a", "bc", "d", "e"])
    if suffix == ".h5":
        names = names.astype(h5py.string_dtype())
    WRITERS[suffix](path, {"x": X, "name": names})
    assert arrays.open(str(path), None).covariates(1, 3)["name"].tolist() == ["bc", "d"]


@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "bsr"])
def test_a_sparse_matrix_that_scipy_saved(tmp_path, layout):
    scipy.sparse.save_npz(tmp_path / "data.npz", scipy.sparse.csr_matrix(X).asformat(layout))
    same(arrays.open(str(tmp_path / "data.npz"), None), "data")


def test_an_array_in_a_group_of_hdf5(tmp_path):
    path = tmp_path / "data.h5"
    write_h5(path, {"test/x": X, "test/y": OTHER, "scalar": np.float32(1)})
    dataset = arrays.open(f"{path}::/test/x", None)
    same(dataset, "data::/test/x")
    assert dataset.covariates is None


def test_arrays_of_the_same_group_of_hdf5_are_beside_the_input(tmp_path):
    path = tmp_path / "data.h5"
    write_h5(path, {"test/x": X, "test/y": np.arange(4), "train/y": np.zeros(4)})
    found = arrays.open(f"{path}::test/x", None).covariates(2, 4)
    assert {k: v.tolist() for k, v in found.items()} == {"y": [2, 3]}


def test_a_file_without_arrays(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    WRITERS[suffix](path, {})
    with pytest.raises(DataError, match="0 arrays; it has none"):
        arrays.open(str(path), None)


def test_a_numpy_file_stays_on_disk(tmp_path):
    np.save(tmp_path / "data.npy", X)
    dataset = arrays.open(str(tmp_path / "data.npy"), None)
    same(dataset, "data")
    np.lib.format.open_memmap(tmp_path / "data.npy", mode="r+")[1:3] += 100
    np.testing.assert_array_equal(dataset.read(1, 3), X[1:3] + 100)


def test_a_tensor_by_itself(tmp_path):
    torch.save(torch.from_numpy(X), tmp_path / "data.pt")
    same(arrays.open(str(tmp_path / "data.pt"), None), "data")


def test_a_thing_that_is_no_tensor(tmp_path):
    torch.save([1, 2], tmp_path / "data.pt")
    with pytest.raises(DataError, match="holds a list, not a tensor"):
        arrays.open(str(tmp_path / "data.pt"), None)


@pytest.mark.parametrize("suffix", [".npy", *WRITERS])
@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x80\x02", b"PK\x03\x04"])
def test_what_is_not_what_its_name_says_is_told(tmp_path, suffix, content):
    path = tmp_path / f"data{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"data\{suffix} does not read as \{suffix}") as told:
        arrays.open(str(path), None)
    assert told.value.remedy
    assert len(str(told.value).splitlines()) == 2


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_nothing_is_unpickled(tmp_path, suffix):
    path, trap = tmp_path / f"data{suffix}", np.array([Trap(tmp_path / "sprung")])
    {".npy": np.save, ".npz": np.savez, ".pt": lambda p, a: torch.save(list(a), p)}[suffix](
        path, trap
    )
    with pytest.raises(DataError, match="does not read"):
        arrays.open(str(path), None)
    assert not (tmp_path / "sprung").exists()


def test_a_renamed_numpy_file_is_told(tmp_path):
    np.savez(tmp_path / "x.npz", x=X)
    np.save(tmp_path / "y.npy", X)
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    (tmp_path / "y.npy").rename(tmp_path / "y.npz")
    for name in ("x.npy", "y.npz"):
        with pytest.raises(DataError, match=rf"{name} does not read as"):
            arrays.open(str(tmp_path / name), None)


def test_another_suffix_is_told(tmp_path):
    (tmp_path / "data.csv").touch()
    with pytest.raises(DataError, match=r"data\.csv is not one of \.npy"):
        arrays.open(str(tmp_path / "data.csv"), None)


def test_a_split_is_refused():
    with pytest.raises(DataError, match="no splits"):
        arrays.open("data.npy", "test")


def test_suffixes_are_recognised_with_or_without_a_name(tmp_path):
    for name in ("a.npy", "a.npz::x", "a.pt", "a.h5::g/x", "a.hdf5"):
        assert arrays.recognises(tmp_path / name)
    for name in ("a.csv", "npy", "a.npy.gz"):
        assert not arrays.recognises(tmp_path / name)
