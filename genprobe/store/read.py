"""Reading a finished store: whole columns of numbers, blocks of parameters, selected draws."""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import Notice, StoreError
from genprobe.store.format import EXAMPLE_HASHES, SEALED_SINCE, Header, load_header
from genprobe.store.intact import UNSEALED, damaged, open_file, seal_of, target_of
from genprobe.store.join import INDEX, axis_of, iterate_arrays, members, read_notices
from genprobe.store.run_id import partial_folder
from genprobe.store.shards import Shard, shards_of
from genprobe.types.family import Params

UNLABELLED = "unlabelled"
"""The attribute of a labelled store that has the seal it had before it got labels."""
BLOCK_ROWS = 8192
BLOCK_VALUES = 1 << 22


@dataclass(frozen=True)
class Store:
    """A finished store; its arrays stay on disk until asked for.

    Attributes:
        path: of the file.
        header: what it says of itself.
        seals: of it and of its shards, as they were when it was opened.
        unlabelled: its seal before it got labels: what is of the same is the same but for labels.
    """

    path: Path
    header: Header
    seals: tuple[tuple[Path, str], ...]
    unlabelled: str

    @property
    def seal(self) -> str:
        """What tells it from every other store."""
        return self.seals[0][1]

    @contextlib.contextmanager
    def _open(self) -> Iterator[h5py.File]:
        """Its file, in which nothing but labels has changed since it was opened.

        Raises:
            StoreError: if something has, or if it cannot be read.
        """
        changed = [path for path, seal in self.seals if seal_of(path) != seal]
        with open_file(self.path) as file:
            labelled = [self.path] if file.attrs.get(UNLABELLED) == self.unlabelled else []
            if changed not in ([], labelled):
                raise StoreError(f"The store {self.path} changed while it was read.", "Run again.")
            yield file

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
        with self._open() as file:
            if "moments" not in file:
                raise StoreError(f"The store {self.path} has no moments of the data.")
            sums = {k: v[...] for k, v in members(file, "moments").items()}
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
    path = target_of(path)
    if not os.path.exists(path):
        partial = partial_folder(path)
        unfinished = os.path.exists(partial)
        remedy = f"It is unfinished ({partial}); run evaluate again." if unfinished else ""
        raise StoreError(f"There is no store at {path}.", remedy)
    with open_file(path) as file:
        if "header" not in file.attrs:
            raise StoreError(
                f"{path} is not a genprobe store: it has no header.",
                f"If it holds posteriors: genprobe evaluate {path}",
            )
        text, shards = file.attrs["header"], shards_of(file)
        unlabelled = file.attrs.get(UNLABELLED)
        header = load_header(text, str(path))
        require_fitting(file, header, {shard.path for shard in shards})
    seals = [(path, require_sealed(path, header))]
    for shard in shards:
        require_own_shard(path, shard, text)
        seals.append((path.parent / shard.path, seal_of(path.parent / shard.path)))
    return Store(path, header, tuple(seals), str(unlabelled or seals[0][1]))


def require_sealed(path: Path, header: Header) -> str:
    """The seal of a file, which those of version 1 need not have.

    Raises:
        StoreError: if it should have one.
    """
    seal = seal_of(path)
    if header.version >= SEALED_SINCE and seal.startswith(UNSEALED):
        raise damaged(path, "the checksum at its end is missing")
    return seal


def require_own_shard(path: Path, shard: Shard, header: str) -> None:
    """Check that a shard is whole, of this store and of its examples.

    Raises:
        StoreError: if it does not read, or is another store's or another shard.
    """
    place = path.parent / shard.path
    if not os.path.exists(place):
        raise StoreError(
            f"The store {path} lacks its shard {shard.path}.",
            "Keep the store and the folder of its shards side by side, or encode again with "
            "--fresh.",
        )
    with open_file(place) as file:
        if file.attrs.get("header") != header or shard.seal not in ("", seal_of(place)):
            raise StoreError(
                f"The shard {shard.path} is not of the store {path}.",
                "Put its own shards back, or encode again with --fresh.",
            )


def require_fitting(file: h5py.File, header: Header, shards: set[str]) -> None:
    """Check that a store has the arrays that its header promises, in their shapes.

    Args:
        file: of the store.
        header: of the store.
        shards: the files, by relative path, that its arrays may be in.

    Raises:
        ValueError: naming the first that is missing or does not fit.
    """
    draws, n = header.draws, header.n
    shapes: dict[str, tuple[int, ...]] = {
        "draws/z": (draws, n, *header.latent_shape),
        "draws/log_qz_x": (draws, n),
        "draws/log_pz": (draws, n),
    }
    arrays = dict(iterate_arrays(file))
    rated = {"probes/distortion", "probes/unit_distortion"}
    missing = [name for name in shapes if name not in arrays]
    if not missing and "probes/rate" not in arrays and not of_points(arrays["draws/log_qz_x"]):
        missing.append("probes/rate")
    if header.likelihood is not None and not rated & arrays.keys():
        missing.append("probes/distortion")
    if not members(file, "params"):
        missing.append("params")
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    for name, values in arrays.items():
        axis = axis_of(name)
        shape = values.shape
        fits = axis is None or (len(shape) > axis and shape[axis] == n)
        if values.is_virtual and not sources_of(values) <= shards:
            raise ValueError(f"{name} is not in its own shards")
        if not fits or shape != shapes.get(name, shape) or values.dtype.kind not in "fiu":
            raise ValueError(f"{name} is {values.dtype} of shape {shape}")


def of_points(log_qz_x: h5py.Dataset) -> bool:
    """Whether posteriors are points, whose density is infinite and which have no rate."""
    return bool((log_qz_x[:1, :1] == math.inf).all()) if log_qz_x.ndim == 2 else False


def sources_of(values: h5py.Dataset) -> set[str]:
    """The files that a virtual array is put together from."""
    return {source.file_name.replace("%%", "%") for source in values.virtual_sources()}
