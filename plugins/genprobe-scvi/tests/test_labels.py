"""What the code of an SCVI model says of columns of its cells, and whether the batch is in it."""

import numpy as np

import genprobe


def test_columns_are_labels_by_their_names(trained, report):
    flags = ("--labels", "labels", "--labels", "donor", "--leak", "batch", "--max-queries", 200)
    found = report(trained("nb")[1], *flags)
    labels = found["labels"]
    assert list(labels) == ["labels", "donor", "batch"]
    assert labels["donor"]["classes"] == ["a", "b", "c"]
    assert labels["batch"]["leak"]["permutations"] >= 99
    assert labels["donor"]["leak"] is None
    assert "batch" in found["provenance"]["labels_given"]


def test_cells_without_a_category_have_no_label(trained, tmp_path, cells, write):
    adata = cells()
    donor = adata.obs["donor"].astype("category")
    donor[np.arange(adata.n_obs) < 20] = np.nan
    adata.obs["donor"] = donor
    write(adata, tmp_path / "gaps.h5ad")
    made = genprobe.evaluate(
        trained("nb")[1], tmp_path / "gaps.h5ad", labels=["donor"], estimators={}, device="cpu"
    )
    assert made.labels["donor"].missing == 20


def test_a_batch_effect_is_in_a_code_that_is_not_told_the_batch(tmp_path, cells):
    import scvi

    adata = cells()
    random = np.random.default_rng(0)
    second = (adata.obs["batch"] == "batch_1").to_numpy()
    counts = adata.X.toarray()
    counts[second] = random.poisson(counts[second] * random.gamma(1.0, 1.0, adata.n_vars))
    adata.X = counts
    least = {}
    for name, key in (("plain", None), ("told", "batch")):
        scvi.settings.seed = 0
        scvi.model.SCVI.setup_anndata(adata, batch_key=key)
        model = scvi.model.SCVI(adata, n_latent=3, n_hidden=16)
        model.train(150, accelerator="cpu", enable_progress_bar=False, log_every_n_steps=1)
        model.save(str(tmp_path / name), save_anndata=True)
        report = genprobe.evaluate(tmp_path / name, leaks=["batch"], device="cpu")
        least[name] = report.labels["batch"].leak.lower
    assert least["plain"] > 0.1
    assert least["told"] < least["plain"] / 2
