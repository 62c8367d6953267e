"""SCVI models of scvi-tools, AnnData files, and posteriors that minify_adata kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genprobe import hookimpl

if TYPE_CHECKING:
    from genprobe import DatasetReader, Loader


@hookimpl
def genprobe_loaders() -> "Sequence[Loader]":
    """Folders that SCVI.save wrote, and .h5ad files with posteriors."""
    from genprobe_scvi.loader import scvi
    from genprobe_scvi.minified import minified

    return [scvi, minified]


@hookimpl
def genprobe_datasets() -> "Sequence[DatasetReader]":
    """Counts in .h5ad files."""
    from genprobe_scvi.dataset import anndata

    return [anndata]
