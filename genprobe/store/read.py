"""Reading a finished store: whole columns of numbers, blocks of parameters, selected draws."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import Notice, StoreError
from genprobe.store.format import EXAMPLE_HASHES, MOMENT, Header
from genprobe.store.join import INDEX, members, read_notices
from genprobe.store.whole import WholeStore, whole_store
from genprobe.types.family import Params

BLOCK_ROWS = 8192
BLOCK_VALUES = 1 << 22


class Store(WholeStore):
    """A finished store; its arrays stay on disk until asked for.

    Attributes:
        path: of the file.
        header: what it says of itself.
        seals: of it and of its shards, as they were when it was opened.
        unlabelled: its seal before it got labels: what is of the same is the same but for labels.
    """

    def column(self, name: str) -> Float64[Tensor, "draw n"]:
        """A column of numbers, (draw, n) in float64: ``probes/rate``, ``draws/log_qz_x``.

        Of ``subset/…`` it is (draw, m), of the m examples that are ``probed``.

        Raises:
            StoreError: if the store has no such column.
        """
        with self._open() as file:
            if name not in file:
                raise StoreError(f"The store {self.path} has no {name}.")
            return torch.from_numpy(file[name][...]).double()

    def has(self, name: str) -> bool:
        """Whether the store has that column."""
        with self._open() as file:
            return name in file

    def probed(self) -> Int64[Tensor, " m"]:
        """The examples that expensive probes were asked about: those of the columns ``subset/…``.

        Raises:
            StoreError: if the store is of a version that did not say which.
        """
        return self.column(INDEX).long()

    def example_hashes(self) -> Int64[Tensor, "n words"] | None:
        """A hash of every example and its context; None where the store holds none."""
        with self._open() as file:
            found = [torch.from_numpy(file[k][...]) for k in EXAMPLE_HASHES if k in file]
        return torch.cat(found, 1) if found else None

    def prior_params(self) -> Params:
        """The tensors its prior was built from."""
        with self._open() as file:
            return {k: torch.from_numpy(v[...]) for k, v in members(file, "prior").items()}

    def notices(self) -> list[Notice]:
        """What was said of the data while encoding."""
        with self._open() as file:
            return read_notices(file)

    def data_moments(self) -> dict[str, Tensor]:
        """Means over all examples by name, float64: of ``x``, of ``x_square`` (*event), and others.

        Raises:
            StoreError: if the store has none.
        """
        of_levels = self._of_levels()
        with self._open() as file:
            if "moments" not in file:
                raise StoreError(f"The store {self.path} has no moments of the data.")
            sums = {k: v[...] for k, v in members(file, "moments").items() if k not in of_levels}
        return {k: torch.from_numpy(v) / self.header.n for k, v in sums.items()}

    def level_dimensions(self, level: int) -> Float64[Tensor, " k"] | None:
        """The mean rate of each dimension of a level of a chain, nats; None where none is known.

        Args:
            level: counted from 1.
        """
        name = f"moments/{MOMENT.format(level)}"
        return self.column(name) / self.header.n if self.has(name) else None

    def _of_levels(self) -> set[str]:
        return {MOMENT.format(i) for i in range(1, len(self.header.levels) + 1)}

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
        for first in range(start, end, rows):
            part = slice(first, min(end, first + rows))
            with self._open() as file:  # anew: whoever asked may never come back for the next
                block = {k: torch.from_numpy(v[part]) for k, v in members(file, "params").items()}
            yield first, block

    def gather(self, name: str, draw: int, index: Int64[Tensor, " m"]) -> Tensor:
        """Rows (m, ...) of one draw of a column such as ``draws/z``, for sorted examples.

        They are read a segment at a time: memory is one segment and the selection.
        """
        parts = []
        with self._open() as file:
            for segment in range(self.header.segments):
                start, stop = self.header.span(segment)
                low, high = torch.searchsorted(index, torch.tensor([start, stop])).tolist()
                if low < high:
                    rows = torch.from_numpy(file[name][draw, start:stop])
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
        StoreError: if there is none, it is not a store, or damaged, or of a newer version.

    Example:
        >>> import tempfile, numpy, genprobe
        >>> params = {"loc": numpy.zeros((20, 2)), "scale": numpy.ones((20, 2))}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = genprobe.evaluate_posteriors(params, store=f"{folder}/s.h5")
        ...     open_store(f"{folder}/s.h5").header.n
        20
    """
    return readable(whole_store(path))


def readable(store: WholeStore) -> Store:
    """A store that was found to be whole, to be read."""
    return Store(store.path, store.header, store.seals, store.unlabelled)
