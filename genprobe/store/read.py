"""Reading a finished store: whole columns of numbers, blocks of parameters, selected draws."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import StoreError
from genprobe.notice import Notice
from genprobe.store.format import EXAMPLE_HASHES, Header, load_header
from genprobe.store.join import INDEX, read_notices
from genprobe.store.shards import shards_of
from genprobe.types.family import Params

BLOCK_ROWS = 8192
BLOCK_VALUES = 1 << 22


@dataclass(frozen=True)
class Store:
    """A finished store; its arrays stay on disk until asked for."""

    path: Path
    header: Header

    def column(self, name: str) -> Float64[Tensor, "draw n"]:
        """A column of numbers, (draw, n) in float64: ``probes/rate``, ``draws/log_qz_x``.

        Of ``subset/…`` it is (draw, m), of the m examples that are ``probed``.

        Raises:
            StoreError: if the store has no such column, or its checksum fails.
        """
        with open_file(self.path) as file:
            if name not in file:
                raise StoreError(f"The store {self.path} has no {name}.")
            return torch.from_numpy(read_array(self.path, file[name], slice(None))).double()

    def has(self, name: str) -> bool:
        """Whether the store has that column."""
        with open_file(self.path) as file:
            return name in file

    def probed(self) -> Int64[Tensor, " m"]:
        """The examples that expensive probes were asked about: those of the columns ``subset/…``.

        Raises:
            StoreError: if the store is of a version that did not say which.
        """
        return self.column(INDEX).long()

    def example_hashes(self) -> Int64[Tensor, "n words"] | None:
        """A hash of every example and its context; None where the store holds none."""
        with open_file(self.path) as file:
            found = [
                torch.from_numpy(read_array(self.path, file[name], slice(None)))
                for name in EXAMPLE_HASHES
                if name in file
            ]
        return torch.cat(found, 1) if found else None

    def prior_params(self) -> Params:
        """The tensors its prior was built from."""
        with open_file(self.path) as file:
            saved = file.get("prior", {}).items()
            return {k: torch.from_numpy(read_array(self.path, v, ...)) for k, v in saved}

    def notices(self) -> list[Notice]:
        """What was said of the data while encoding."""
        with open_file(self.path) as file:
            return read_notices(file)

    def data_moments(self) -> dict[str, Tensor]:
        """Means over all examples by name, float64: of ``x``, of ``x_square`` (*event), and others.

        Raises:
            StoreError: if the store has none.
        """
        with open_file(self.path) as file:
            if "moments" not in file:
                raise StoreError(f"The store {self.path} has no moments of the data.")
            sums = {k: read_array(self.path, v, ...) for k, v in file["moments"].items()}
        return {k: torch.from_numpy(v) / self.header.n for k, v in sums.items()}

    def blocks(
        self, rows: int | None = None, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Params]]:
        """Posterior parameters (rows, ...) in order, each block with its first example.

        Args:
            rows: examples a block; by default few enough for a parameter to take about 16 MiB.
            start: the first example.
            stop: the one after the last; all of them by default.
        """
        end = self.header.n if stop is None else stop
        rows = rows or block_rows(self.header)
        with open_file(self.path) as file:
            for first in range(start, end, rows):
                part = slice(first, min(end, first + rows))
                yield first, read_params(self.path, file, part)

    def gather(self, name: str, draw: int, index: Int64[Tensor, " m"]) -> Tensor:
        """Rows (m, ...) of one draw of a column such as ``draws/z``, for sorted examples.

        They are read a segment at a time: memory is one segment and the selection.
        """
        parts = []
        with open_file(self.path) as file:
            for segment in range(self.header.segments):
                start, stop = self.header.span(segment)
                low, high = torch.searchsorted(index, torch.tensor([start, stop])).tolist()
                if low < high:
                    rows = torch.from_numpy(
                        read_array(self.path, file[name], (draw, slice(start, stop)))
                    )
                    parts.append(rows[index[low:high] - start])
        return torch.cat(parts)


def block_rows(header: Header) -> int:
    """Examples a block: whole segments, which are the chunks on disk, while not too large."""
    values = math.prod(header.latent_shape)
    rows = min(BLOCK_ROWS, BLOCK_VALUES // max(1, values))
    return max(1, rows // header.segment) * header.segment


def open_store(path: str | Path) -> Store:
    """Open a finished store.

    Raises:
        StoreError: if there is none, or it is not a store, or it is of a newer version.

    Example:
        >>> import tempfile, numpy, genprobe
        >>> params = {"loc": numpy.zeros((20, 2)), "scale": numpy.ones((20, 2))}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = genprobe.evaluate_posteriors(params, store=f"{folder}/s.h5")
        ...     open_store(f"{folder}/s.h5").header.n
        20
    """
    path = Path(path)
    if not os.path.exists(path):
        partial = path.with_name(path.name + ".partial")
        unfinished = os.path.exists(partial)
        remedy = f"It is unfinished ({partial}); run evaluate again." if unfinished else ""
        raise StoreError(f"There is no store at {path}.", remedy)
    with open_file(path) as file:
        if "header" not in file.attrs:
            raise StoreError(
                f"{path} is not a genprobe store: it has no header.", "Check the path."
            )
        header = load_header(file.attrs["header"], str(path))
        for shard in shards_of(file):
            require_own_shard(path, shard.path, file.attrs["header"])
        return Store(path, header)


def open_file(path: Path) -> h5py.File:
    """An open store whose shards are there, or a clear error."""
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise StoreError(
            f"{path} is not a readable HDF5 file.",
            "A store is what evaluate --store wrote; a damaged one it writes again with --fresh.",
        ) from error
    missing = [s.path for s in shards_of(file) if not os.path.exists(path.parent / s.path)]
    if missing:
        file.close()
        raise StoreError(
            f"The store {path} lacks its shard {missing[0]}.",
            "Keep the store and the folder of its shards side by side, or encode again with "
            "--fresh.",
        )
    return file


def require_own_shard(path: Path, shard: str, header: str) -> None:
    """Check that a shard is whole and of this store: HDF5 would fill the gap and say nothing.

    Raises:
        StoreError: if it does not read or is another store's.
    """
    with open_file(path.parent / shard) as file:
        if file.attrs.get("header") != header:
            raise StoreError(
                f"The shard {shard} is not of the store {path}.",
                "Put its own shards back, or encode again with --fresh.",
            )


def read_array(path: Path, values: h5py.Dataset, where: Any) -> np.ndarray:
    """Values of a column, or a clear error when a checksum fails."""
    try:
        return np.asarray(values[where])
    except OSError as error:
        raise StoreError(
            f"The store {path} is damaged: {values.name} does not read (checksum).",
            "Encode again with --fresh.",
        ) from error


def read_params(path: Path, file: h5py.File, part: slice) -> Params:
    """Posterior parameters of a stretch of examples."""
    return {k: torch.from_numpy(read_array(path, v, part)) for k, v in file["params"].items()}
