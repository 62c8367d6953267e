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
