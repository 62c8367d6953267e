"""Opening .h5ad files, and what they say of themselves."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from genprobe.errors import DataError, GenprobeError

MINIFIED = "uns/_scvi_adata_minify_type"
DROPPED = "latent_posterior_parameters"
SUFFIX = ".h5ad"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """An .h5ad file, which stays open for whoever reads on.

    Raises:
        DataError: if it is damaged, or lacks what every .h5ad file has.
    """
    try:
        yield h5py.File(path, "r")
    except GenprobeError:
        raise
    except Exception as error:  # damaged bytes make the readers raise almost anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{path} cannot be read as an {SUFFIX} file: {reason}",
            "Check the path, or write it again.",
        ) from error


def is_h5ad(path: Path) -> bool:
    """Whether a file has the suffix and the first bytes of an .h5ad file."""
    return path.suffix == SUFFIX and path.is_file() and h5py.is_hdf5(path)


def without_counts(file: h5py.File) -> bool:
    """Whether minify_adata replaced the counts by zeros."""
    return MINIFIED in file and file[MINIFIED].asstr()[()] == DROPPED


def names_of(table: h5py.Group) -> np.ndarray:
    """The names in the index of ``.obs`` or ``.var``."""
    from anndata.io import read_elem

    return np.asarray(read_elem(table[table.attrs["_index"]])).astype(str)
