import numpy as np
import pytest
import scipy.sparse
import torch
from genprobe_scvi.dataset import anndata

import genprobe
from genprobe.errors import DataError


@pytest.fixture
def opened(write):
    """A function that writes cells and opens what it wrote."""

    def opened(adata, path, spec=""):
        write(adata, path)
        return anndata.open(f"{path}{spec}", None)

    return opened


def test_dense_and_sparse_counts_are_the_same_data(cells, tmp_path, opened):
    adata, prints = cells(), set()
    truth = torch.from_numpy(adata.X.toarray()).float()
    for name, turn in {
        "dense": lambda m: m.toarray(),
        "csr": scipy.sparse.csr_matrix,
        "csc": scipy.sparse.csc_matrix,
    }.items():
        adata.X = turn(scipy.sparse.csr_matrix(truth.numpy()))
        found = opened(adata, tmp_path / f"{name}.h5ad")
        assert (found.n, tuple(found.event_shape)) == (180, (25,))
        assert torch.equal(found.read(0, 180), truth)
        assert torch.equal(found.read(7, 31), truth[7:31])
        prints.add(found.fingerprint)
        prints.add(opened(adata, tmp_path / f"{name}.zarr").fingerprint)
    assert len(prints) == 1


def test_a_zarr_folder_is_read_as_a_file_is(cells, tmp_path, monkeypatch, opened):
    file = opened(cells(), tmp_path / "a.h5ad", "::layers/counts")
    folder = opened(cells(), tmp_path / "a.zarr", "::layers/counts")
    assert torch.equal(folder.read(3, 9), file.read(3, 9))
    for name, values in file.covariates(2, 7).items():
        np.testing.assert_array_equal(folder.covariates(2, 7)[name], values)
    assert genprobe.open_dataset(tmp_path / "a.zarr").n == 180
    monkeypatch.setenv("GENPROBE_DATA_DIR", str(tmp_path))
    assert anndata.open("a.zarr", None).n == 180


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zarr_folder_that_would_unpickle_is_refused(cells, tmp_path, write, zarr_format):
    import zarr

    write(cells(), tmp_path / "a.zarr", zarr_format)
    zarr.open_group(tmp_path / "a.zarr").attrs["filters"] = [{"id": "pickle"}]
    with pytest.raises(DataError, match=r"a\.zarr would run code: an array of it is unpickled"):
        anndata.open(str(tmp_path / "a.zarr"), None)


def test_a_layer_is_named_after_two_colons(cells, tmp_path, opened):
    adata = cells()
    adata.X = adata.X.log1p()
    found = opened(adata, tmp_path / "a.h5ad", "::layers/counts")
    assert torch.equal(
        found.read(0, 5), torch.from_numpy(adata.layers["counts"][:5].toarray()).float()
    )
    with pytest.raises(DataError, match="no counts at 'layers/raw'; it has X, layers/counts"):
        anndata.open(f"{tmp_path}/a.h5ad::layers/raw", None)


def test_covariates_are_the_columns_and_the_genes(cells, tmp_path, opened):
    adata = cells()
    found = opened(adata, tmp_path / "a.h5ad").covariates(3, 8)
    assert found["donor"].tolist() == adata.obs["donor"][3:8].tolist()
    assert found["batch"].tolist() == adata.obs["batch"][3:8].tolist()
    np.testing.assert_array_equal(found["age"], adata.obs["age"][3:8])
    assert found["var_names"].shape == (5, 25)
    assert found["var_names"][4].tolist() == adata.var_names.tolist()


@pytest.mark.parametrize("change", ["counts", "column", "genes"])
def test_the_fingerprint_is_of_counts_columns_and_genes(cells, tmp_path, change, opened):
    adata = cells()
    before = opened(adata, tmp_path / "a.h5ad").fingerprint
    if change == "counts":
        adata.X.data[3] += 1
    elif change == "column":
        adata.obs["donor"] = adata.obs["donor"].to_numpy()[::-1]
    else:
        adata.var_names = [f"other {i}" for i in range(25)]
    assert opened(adata, tmp_path / "b.h5ad").fingerprint != before


def test_a_bare_path_finds_its_reader(cells, tmp_path):
    cells().write_h5ad(tmp_path / "a.h5ad")
    assert genprobe.open_dataset(tmp_path / "a.h5ad").n == 180
    assert genprobe.open_dataset(f"{tmp_path}/a.h5ad::layers/counts").name == "a::layers/counts"


def test_damaged_or_missing_files_are_told(tmp_path):
    (tmp_path / "bad.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    with pytest.raises(DataError, match=r"bad\.h5ad cannot be read as an \.h5ad of AnnData"):
        anndata.open(str(tmp_path / "bad.h5ad"), None)
    with pytest.raises(DataError, match="no data file"):
        anndata.open(str(tmp_path / "none.h5ad"), None)
    with pytest.raises(DataError, match="no splits"):
        anndata.open(str(tmp_path / "bad.h5ad"), "test")
