import numpy as np
import pytest
import torch
from genprobe_scvi.minified import load_minified

import genprobe
from genprobe.errors import DataError, ModelError, StoreError


@pytest.fixture(scope="module")
def kept(trained, tmp_path_factory):
    """Posteriors of the model ``nb`` as minify_adata keeps them, and the model's folder."""
    import scvi

    _, folder = trained("nb")
    model = scvi.model.SCVI.load(str(folder), accelerator="cpu")
    mean, variance = model.get_latent_representation(return_dist=True)
    model.adata.obsm["X_latent_qzm"], model.adata.obsm["X_latent_qzv"] = mean, variance
    model.minify_adata()
    path = tmp_path_factory.mktemp("kept") / "kept.h5ad"
    model.adata.write_h5ad(path)
    return path, folder


def test_the_rate_side_is_that_of_the_model(kept, report):
    path, folder = kept
    mine, whole = (report(source)["estimates"] for source in (path, folder))
    for name in ("rate", "marginal_kl_floor", "active_units"):
        assert mine[name]["value"] == pytest.approx(whole[name]["value"], rel=1e-5)
    information = [found["mutual_information"] for found in (mine, whole)]
    error = sum(found["se"] ** 2 for found in information) ** 0.5
    assert abs(information[0]["value"] - information[1]["value"]) < 4 * error
    assert "distortion" not in mine


def test_variances_become_scales(kept):
    import anndata

    table = anndata.read_h5ad(kept[0])
    found = load_minified(kept[0], False).recorded.params(5, 9)
    assert torch.equal(found["loc"], torch.from_numpy(table.obsm["scvi_latent_qzm"][5:9]))
    variance = torch.from_numpy(table.obsm["scvi_latent_qzv"][5:9])
    torch.testing.assert_close(found["scale"].square(), variance)


def test_counts_that_were_dropped_are_refused(kept):
    path, folder = kept
    with pytest.raises(DataError, match="holds no counts: minify_adata dropped them"):
        genprobe.evaluate(folder, path)


def test_other_posteriors_do_not_take_its_store(kept, cells, tmp_path):
    adata = cells()
    adata.obsm["mine_qzm"] = np.zeros((180, 3), np.float32)
    adata.obsm["mine_qzv"] = np.full((180, 3), 4.0, np.float32)
    adata.write_h5ad(tmp_path / "kept.h5ad")
    found = genprobe.evaluate(tmp_path / "kept.h5ad", max_queries=20, store=tmp_path / "s.h5")
    assert found["rate"].value == pytest.approx(3 * (2 - 0.5 - np.log(2)), rel=1e-5)
    with pytest.raises(StoreError, match="another model"):
        genprobe.evaluate(kept[0], max_queries=20, store=tmp_path / "s.h5")


def test_of_several_pairs_one_is_named(cells, tmp_path):
    adata = cells()
    for name, variance in (("a", 1.0), ("b", 4.0)):
        adata.obsm[f"{name}_qzm"] = np.zeros((180, 2), np.float32)
        adata.obsm[f"{name}_qzv"] = np.full((180, 2), variance, np.float32)
    adata.write_h5ad(path := tmp_path / "two.h5ad")
    with pytest.raises(ModelError, match=r"no posteriors 'scvi_latent' .* it has a, b"):
        genprobe.evaluate(path)
    found = genprobe.load(f"minified:{path}::b").recorded.params(0, 2)
    assert torch.equal(found["scale"], torch.full((2, 2), 2.0))


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_table_without_posteriors_is_told_to_be_data(cells, write, tmp_path, suffix):
    path = tmp_path / f"full.{suffix}"
    write(cells(), path)
    with pytest.raises(ModelError, match=r"180 cells and 25 genes and has no posteriors") as told:
        genprobe.evaluate(path)
    assert f"genprobe evaluate MODEL_FOLDER --data {path}" in told.value.remedy


def test_posteriors_in_a_zarr_folder_are_those_of_the_file(kept, write, tmp_path):
    import anndata

    write(anndata.read_h5ad(kept[0]), tmp_path / "kept.zarr")
    mine, theirs = (
        load_minified(path, False).recorded.params(5, 9)
        for path in (tmp_path / "kept.zarr", kept[0])
    )
    assert torch.equal(mine["loc"], theirs["loc"])
    assert torch.equal(mine["scale"], theirs["scale"])


@pytest.fixture(scope="module")
def labelled(cells, tmp_path_factory):
    """What SCANVI.minify_adata keeps, and the folder of the model."""
    import scvi

    adata = cells()
    scvi.settings.seed = 0
    scvi.model.SCANVI.setup_anndata(adata, labels_key="labels", unlabeled_category="none")
    model = scvi.model.SCANVI(adata, n_latent=3, n_hidden=16)
    model.train(2, accelerator="cpu", enable_progress_bar=False, log_every_n_steps=1)
    folder = tmp_path_factory.mktemp("labelled")
    model.save(str(folder / "model"))
    mean, variance = model.get_latent_representation(return_dist=True)
    model.adata.obsm["X_latent_qzm"], model.adata.obsm["X_latent_qzv"] = mean, variance
    model.minify_adata()
    model.adata.write_h5ad(folder / "kept.h5ad")
    return folder


@pytest.mark.parametrize("pair", ["", "::scanvi_latent", "::X_latent"])
def test_posteriors_of_scanvi_are_refused_by_whatever_name(labelled, pair):
    with pytest.raises(ModelError, match="of SCANVI, whose prior of z is not N"):
        genprobe.load(f"minified:{labelled}/kept.h5ad{pair}")


def test_its_model_is_refused_without_advice_that_leads_there(labelled):
    with pytest.raises(ModelError, match="of the class SCANVI") as told:
        genprobe.load(labelled / "model")
    assert "minify" not in told.value.remedy


def test_a_prior_that_the_file_does_not_say_is_logged(cells, tmp_path, caplog):
    adata = cells()
    adata.obsm["mine_qzm"], adata.obsm["mine_qzv"] = np.zeros((180, 2)), np.ones((180, 2))
    adata.write_h5ad(tmp_path / "a.h5ad")
    load_minified(tmp_path / "a.h5ad", False)
    assert "the prior of mine is taken to be N(0, I)" in caplog.text
