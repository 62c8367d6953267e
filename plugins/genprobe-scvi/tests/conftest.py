"""Models of scvi-tools, trained here in seconds on its own synthetic cells."""

import json
import warnings

import numpy as np
import pytest

FOREIGN = "ignore:`isinstance\\(treespec, LeafSpec\\)` is deprecated:FutureWarning"
"""What torch says of lightning when a model trains."""


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", FOREIGN)


@pytest.fixture(scope="session")
def cells():
    """A function that makes cells."""
    return synthetic


def write(adata, path, zarr_format=3):
    """Write an .h5ad file or a .zarr folder, by the suffix."""
    import anndata

    if path.suffix != ".zarr":
        adata.write_h5ad(path)
        return
    # What anndata and zarr warn of while they write is not what is tried here.
    formats = anndata.settings.override(zarr_write_format=zarr_format)
    with warnings.catch_warnings(action="ignore"), formats:
        adata.write_zarr(path)


@pytest.fixture(scope="session", name="write")
def write_fixture():
    """A function that writes cells."""
    return write


def synthetic(n_genes=25, size=90):
    """Synthetic counts of two batches, with further columns."""
    import scvi

    np.random.seed(0)
    adata = scvi.data.synthetic_iid(batch_size=size, n_genes=n_genes, sparse_format="csr_matrix")
    adata.layers["counts"] = adata.X.copy()
    rng = np.random.default_rng(0)
    adata.obs["donor"] = rng.choice(["a", "b", "c"], adata.n_obs)
    adata.obs["age"] = rng.random(adata.n_obs)
    adata.obs["size"] = rng.random(adata.n_obs) + 0.5
    return adata


SETUPS = {
    "zinb": {},
    "nb": {"batch_key": "batch"},
    "poisson": {"batch_key": "batch"},
    "whole": {
        "layer": "counts",
        "batch_key": "batch",
        "labels_key": "labels",
        "categorical_covariate_keys": ["donor"],
        "continuous_covariate_keys": ["age"],
    },
    "sized": {"batch_key": "batch", "labels_key": "labels", "size_factor_key": "size"},
    "library": {"batch_key": "batch"},
    "embedded": {"batch_key": "batch"},
}
OPTIONS = {
    "zinb": {"gene_likelihood": "zinb"},
    "nb": {"gene_likelihood": "nb", "dispersion": "gene-batch"},
    "poisson": {"gene_likelihood": "poisson", "latent_distribution": "ln"},
    "whole": {"gene_likelihood": "zinb", "dispersion": "gene-cell", "encode_covariates": True},
    "sized": {"gene_likelihood": "nb", "dispersion": "gene-label"},
    "library": {"gene_likelihood": "nb", "use_observed_lib_size": False},
    "embedded": {
        "gene_likelihood": "nb",
        "batch_representation": "embedding",
        "encode_covariates": True,
    },
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Name to the model as scvi-tools holds it and the folder that it saved."""
    import scvi

    made = {}

    def trained(name):
        if name not in made:
            scvi.settings.seed = 0
            adata = synthetic()
            scvi.model.SCVI.setup_anndata(adata, **SETUPS[name])
            model = scvi.model.SCVI(adata, n_latent=3, n_hidden=16, **OPTIONS[name])
            model.train(15, accelerator="cpu", enable_progress_bar=False, log_every_n_steps=1)
            model.module.eval()
            folder = tmp_path_factory.mktemp("models") / name
            model.save(str(folder), save_anndata=True)
            made[name] = model, folder
        return made[name]

    return trained


@pytest.fixture
def report(tmp_path):
    """What ``genprobe evaluate`` writes as JSON."""
    from click.testing import CliRunner

    from genprobe.cli import main

    def report(*arguments):
        path = tmp_path / "report.json"
        found = CliRunner().invoke(
            main, ["evaluate", *map(str, arguments), "--json", str(path), "--device", "cpu"]
        )
        assert found.exit_code == 0, found.output
        return json.loads(path.read_text())

    return report
