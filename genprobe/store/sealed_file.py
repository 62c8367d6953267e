"""HDF5 files that end in a checksum of all before it, written so that a full disk is an error.

HDF5 checks its chunks and not what points to them: a flipped bit in the name of a link loses a
column and says nothing. So the last 24 bytes of each file, behind what HDF5 reads, are a mark and
the xxh3-128 of every byte before them.

HDF5 cannot be told that a disk is full, either, so it writes to a file that forgives.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import h5py
from xxhash import xxh3_128

from genprobe.errors import StoreError
from genprobe.runtime.atomic_write import atomic_write
from genprobe.runtime.forgiving_file import ForgivingFile
from genprobe.runtime.untrusted import State, state_of

MARK = b"genprobe"
SEAL_BYTES = len(MARK) + xxh3_128().digest_size
PIECE = 1 << 22
"""Bytes that are hashed at a time."""

SEALS: dict[State, str] = {}
"""Seals of the files that this process wrote or found to be whole, as they were then."""


@contextlib.contextmanager
def write_sealed(path: Path, like: Path | None = None) -> Iterator[h5py.File]:
    """A new HDF5 file, which is sealed, synced and takes its name when all is written, or goes.

    Args:
        path: of the file.
        like: a whole file that it begins as a copy of; empty by default.

    Raises:
        OSError: the first that writing met.
    """
    with atomic_write(path) as aside:
        if like is not None:
            copy_unsealed(like, aside)
        with sealed(aside, "w" if like is None else "r+") as file:
            yield file


@contextlib.contextmanager
def sealed(aside: Path, mode: str) -> Iterator[h5py.File]:
    """An open HDF5 file that is sealed when all is written.

    Args:
        aside: its path until it takes its name.
        mode: ``w``, or ``r+`` where it is there without a seal.
    """
    with ForgivingFile(aside, "w+" if mode == "w" else "r+") as raw:
        try:
            with h5py.File(raw, mode) as file:
                yield file
        finally:
            raw.require_written()  # what HDF5 says after that is of no interest
        digest = digest_of(raw, raw.seek(0, os.SEEK_END))
        raw.seek(0, os.SEEK_END)
        raw.write(MARK + digest)
        raw.require_written()
    SEALS[state_of(os.stat(aside))] = digest.hex()


def copy_unsealed(source: Path, target: Path) -> None:
    """Copy a file without the seal at its end."""
    size = source.stat().st_size - (SEAL_BYTES if read_seal(source) else 0)
    shutil.copyfile(source, target)
    os.truncate(target, size)


def read_seal(path: Path) -> str:
    """The checksum at the end of a file, in hexadecimal; empty if it has none.

    Args:
        path: of a regular file.

    Raises:
        OSError: if it cannot be read.
        StoreError: if the rest of the file is not what the checksum is of.
    """
    with FileIO(path) as raw:
        size = raw.seek(0, os.SEEK_END) - SEAL_BYTES
        if size < 0:
            return ""
        raw.seek(size)
        seal = raw.read(SEAL_BYTES)
        if not seal.startswith(MARK):
            return ""
        digest = digest_of(raw, size)
    if digest != seal[len(MARK) :]:
        raise StoreError(
            f"The store {path} is damaged: it is not what the checksum at its end is of.",
            "Encode again with --fresh.",
        )
    return digest.hex()


def digest_of(raw: FileIO, size: int) -> bytes:
    """The xxh3-128 of the first bytes of a file."""
    found = xxh3_128()
    raw.seek(0)
    while size and (piece := raw.read(min(PIECE, size))):
        found.update(piece)
        size -= len(piece)
    return found.digest()
