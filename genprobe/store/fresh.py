"""Whether a run that encodes a store anew was interrupted, and where.

Such a run draws a name when it begins. The name is in ``STORE.partial/fresh`` until its report is
made, and in the store that it writes. So a name in the folder alone is of a run that was
interrupted while it encoded, and the segments beside it are its own; a name in both is of one that
has encoded everything; and without a name in the folder the last such run is done.
"""

import contextlib
from pathlib import Path

import h5py

MARK = "fresh"
"""The file in the partial folder, and the attribute of the store's root."""


def partial_of(path: Path) -> Path:
    """The folder in which a store is while it is written."""
    return path.with_name(path.name + ".partial")


def begun(path: Path) -> str:
    """The name of the run that encodes a store anew and is not done; empty if there is none."""
    try:
        return (partial_of(path) / MARK).read_text(encoding="utf-8")
    except OSError:
        return ""


def writer_of(path: Path) -> str:
    """The name of the run that encoded a finished store anew; empty if none did."""
    try:
        with h5py.File(path, "r") as file:
            return str(file.attrs.get(MARK, ""))
    except OSError:
        return ""


def encoded(path: Path) -> bool:
    """Whether the run that is not done has finished the store, and only its report is missing."""
    name = begun(path)
    return bool(name) and name == writer_of(path)


def interrupted(path: Path) -> bool:
    """Whether there is a run that can go on encoding the store anew."""
    return bool(begun(path)) and not encoded(path)


def conclude(path: Path) -> None:
    """Forget the name of a run whose report is made."""
    if encoded(path):
        with contextlib.suppress(OSError):
            (partial_of(path) / MARK).unlink()
            partial_of(path).rmdir()
