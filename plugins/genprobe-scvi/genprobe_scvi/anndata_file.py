"""Opening what AnnData wrote, .h5ad files and .zarr folders, and what they say of themselves."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from genprobe.datasets import find_file
from genprobe.errors import DataError, GenprobeError
from genprobe.loaders import require_harmless, require_readable

MINIFIED = "uns/_scvi_adata_minify_type"
DROPPED = "latent_posterior_parameters"
H5AD, ZARR = ".h5ad", ".zarr"
METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")
"""The files of a .zarr folder that say how its arrays are to be decoded."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The root group of an .h5ad file or .zarr folder, which stays open for whoever reads on.

    Raises:
        DataError: if it is damaged, or lacks what every such file has.
    """
    require_readable(path, "file of AnnData", folder=True, error=DataError)
    try:
        yield open_zarr(path) if path.is_dir() else open_h5ad(path)
    except GenprobeError:
        raise
    except Exception as error:  # damaged bytes make the readers raise almost anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{path} cannot be read as an {path.suffix} of AnnData: {reason}",
            "Check the path, or write it again.",
        ) from error


def open_h5ad(path: Path) -> h5py.File:
    """The root group of an .h5ad file, which stays open.

    Raises:
        DataError: if reading it would crash, never end, or show other files.
    """
    require_harmless(path, error=DataError)
    return h5py.File(path, "r")


def open_zarr(path: Path) -> Any:
    """The root group of a .zarr folder.

    Raises:
        DataError: if decoding it would run code.
    """
    import zarr

    for file in sorted(path.rglob("*")):
        if file.name in METADATA and unpickles(json.loads(file.read_text("utf-8"))):
            raise DataError(
                f"{path} would run code: an array of it is unpickled, says {file}.",
                "Write it again without the codec pickle.",
            )
    return zarr.open_group(path, mode="r")


def unpickles(said: Any) -> bool:
    """Whether metadata name the codec pickle anywhere.

    >>> unpickles({"filters": [{"id": "pickle", "protocol": 5}]}), unpickles({"a": ["pickle"]})
    (True, False)
    """
    if isinstance(said, dict):
        named = [str(said.get(key, "")) for key in ("id", "name")]
        return any("pickle" in name for name in named) or any(map(unpickles, said.values()))
    return isinstance(said, list) and any(map(unpickles, said))


def find_table(spec: str) -> Path:
    """The path of an .h5ad file or .zarr folder, looked for here and under GENPROBE_DATA_DIR.

    Raises:
        DataError: if it is in neither place.
    """
    for place in (Path(), Path(os.environ.get("GENPROBE_DATA_DIR", "."))):
        folder = place / Path(spec).expanduser()
        if folder.is_dir():
            return folder
    return find_file(spec)


def is_table(path: Path) -> bool:
    """Whether it is an .h5ad file or a .zarr folder, by its suffix and what it begins with."""
    if path.suffix == ZARR:
        return any((path / name).is_file() for name in METADATA)
    return path.suffix == H5AD and path.is_file() and h5py.is_hdf5(path)


def without_counts(file: Any) -> bool:
    """Whether minify_adata replaced the counts by zeros."""
    from anndata.io import read_elem

    return MINIFIED in file and str(read_elem(file[MINIFIED])) == DROPPED


def names_of(table: Any) -> np.ndarray:
    """The names in the index of ``.obs`` or ``.var``."""
    from anndata.io import read_elem

    return np.array([str(name) for name in read_elem(table[table.attrs["_index"]])], dtype=str)
