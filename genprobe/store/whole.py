"""Opening a finished store: it is whole, is what its header says, and stays so.

That takes no torch, so a report that is kept beside a store is shown at once.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

from genprobe.errors import StoreError
from genprobe.runtime.near_names import near_file
from genprobe.store.format import SEALED_SINCE, Header, load_header
from genprobe.store.intact import UNSEALED, damaged, open_file, seal_of, target_of
from genprobe.store.join import axis_of, iterate_arrays, members
from genprobe.store.run_id import partial_folder
from genprobe.store.shard import Shard, shards_of

UNLABELLED = "unlabelled"
"""The attribute of a labelled store that has the seal it had before it got labels."""


@dataclass(frozen=True)
class WholeStore:
    """A finished store that was found to be whole.

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


def whole_store(path: str | Path) -> WholeStore:
    """A finished store, every file of which is whole and fits the header.

    Raises:
        StoreError: if there is none, it is not a store, or damaged, or of a newer version.
    """
    path = target_of(path)
    if not os.path.exists(path):
        partial = partial_folder(path)
        unfinished = os.path.exists(partial)
        remedy = (
            f"It is unfinished ({partial}); run evaluate again."
            if unfinished
            else f"{near_file(path)}Check the path."
        )
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
    return WholeStore(path, header, tuple(seals), str(unlabelled or seals[0][1]))


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
