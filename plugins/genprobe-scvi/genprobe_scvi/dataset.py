"""Counts that AnnData wrote: ``anndata:cells.h5ad``, or ``cells.h5ad::layers/counts`` for a layer.

An .h5ad file or a .zarr folder. Of a model the layer is the one it was set up on, if none is named.
Cells are read a stretch at a time; only those are made dense. The columns of ``.obs`` come along as
covariates, and the names of the genes, so that a model can check that they are its own.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.errors import DataError
from genprobe.types import Dataset, DatasetReader
from genprobe_scvi.anndata_file import find_table, is_table, names_of, opened, without_counts

BLOCK = 4096
GENES = "var_names"


def open_counts(spec: str, split: str | None) -> Dataset:
    """The counts that AnnData wrote, looked for here and under GENPROBE_DATA_DIR.

    Raises:
        DataError: if the file is missing or damaged, has no such layer, or its counts were dropped.
    """
    if split is not None:
        raise DataError(
            "What AnnData wrote has no splits.", "Select the cells and write them apart."
        )
    location, _, layer = spec.partition("::")
    path = find_table(location)
    with opened(path) as file:
        if without_counts(file):
            raise DataError(
                f"{path} holds no counts: minify_adata dropped them.",
                f"Name the data it was made of, or evaluate its posteriors: minified:{path}",
            )
        return counts_of(path, file, layer or "X")


def counts_of(path: Path, file: Any, layer: str) -> Dataset:
    """A layer of what AnnData wrote as a data set.

    Raises:
        DataError: if there is none of that name, or it holds no cell.
    """
    if layer not in file:
        layers = [f"layers/{name}" for name in file.get("layers", ())]
        raise DataError(
            f"{path} has no counts at {layer!r}; it has {', '.join(['X', *layers])}.",
            f"Name the one that holds counts as the model was trained on: {path}::NAME.",
        )
    shape, rows = rows_of(file[layer])
    if not shape[0]:
        raise DataError(f"{path} holds no cells.")
    columns = columns_of(file)
    genes = names_of(file["var"])

    def covariates(start: int, stop: int) -> Mapping[str, Any]:
        some = {name: values[start:stop] for name, values in columns.items()}
        return {**some, GENES: np.broadcast_to(genes, (stop - start, len(genes)))}

    def read(start: int, stop: int) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(dense(rows(start, stop)), np.float32))

    return Dataset(
        name=path.stem if layer == "X" else f"{path.stem}::{layer}",
        n=shape[0],
        event_shape=torch.Size(shape[1:]),
        read=read,
        fingerprint=fingerprint(shape, rows, columns, genes),
        covariates=covariates,
    )


def rows_of(item: Any) -> tuple[tuple[int, ...], Callable[[int, int], Any]]:
    """Shape of a matrix and a function to some of its rows, dense or sparse.

    A matrix that is stored by columns is turned once, and stays sparse.
    """
    from anndata.io import sparse_dataset

    if hasattr(item, "dtype"):  # an array of HDF5 or Zarr; what is sparse is a group
        return tuple(item.shape), lambda start, stop: np.asarray(item[start:stop])
    kept = sparse_dataset(item)
    matrix = kept if kept.format == "csr" else kept.to_memory().tocsr()
    return tuple(map(int, kept.shape)), lambda start, stop: matrix[start:stop]


def dense(rows: Any) -> np.ndarray:
    """Rows as a numpy array."""
    values: np.ndarray = rows if isinstance(rows, np.ndarray) else rows.toarray()
    return values


def columns_of(file: Any) -> dict[str, np.ndarray]:
    """The columns of ``.obs``, each (cell,)."""
    from anndata.io import read_elem

    table = read_elem(file["obs"])
    return {str(name): np.asarray(table[name]) for name in table.columns}


def fingerprint(
    shape: tuple[int, ...],
    rows: Callable[[int, int], Any],
    columns: Mapping[str, np.ndarray],
    genes: np.ndarray,
) -> str:
    """SHA-256 over counts (the same kept dense or sparse), covariates and names of the genes."""
    digest = hashlib.sha256(str(shape).encode())
    for start in range(0, shape[0], BLOCK):
        block = dense(rows(start, min(shape[0], start + BLOCK)))
        digest.update(np.ascontiguousarray(block, np.float32).data)
    for name, values in sorted({**columns, GENES: genes}.items()):
        digest.update(f"\n{name}\n".encode())
        digest.update("\n".join(map(str, values)).encode())
    return digest.hexdigest()


def recognises(path: Path) -> bool:
    """Whether it is an .h5ad file or .zarr folder, perhaps with a layer named after ``::``."""
    return is_table(Path(str(path).partition("::")[0]))


anndata = DatasetReader(scheme="anndata", recognises=recognises, open=open_counts, layered=True)
