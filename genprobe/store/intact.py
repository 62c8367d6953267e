"""Opening the files of a store: only what is whole and harmless is read, and faults have names."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import h5py

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

from genprobe.errors import GenprobeError, StoreError, reason_of
from genprobe.runtime.hdf5 import is_hdf5, require_harmless
from genprobe.runtime.untrusted import require_readable, state_of
from genprobe.store.sealed_file import SEALS, read_seal

EVALUATED = (".npz", ".pt", ".pth", ".ckpt", ".safetensors", ".pt2")
"""Endings of what is evaluated: posteriors, checkpoints, programs."""
UNSEALED = "unsealed"
"""In the place of the seal of a file that has none, as version 1 did not."""
SHARD_PATH = re.compile(r"[^/\\]+\.shards/\d{5}-of-\d{5}-[0-9a-f]{8}\.h5")
"""Paths of shards, relative to the folder of their store."""


def target_of(path: str | Path) -> Path:
    """Where a store is that is named: a link to it stays a link when the store is written anew."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)


def seal_of(path: Path) -> str:
    """What tells whether a file is still the one that was opened before.

    The first time, its checksum is compared with its content, and whatever else did not write it
    in this process has it read by another process first, which a hostile file may crash.

    Args:
        path: of a store, shard or segment.

    Returns:
        Its checksum; something that begins with ``unsealed`` if it has none.

    Raises:
        StoreError: if it is not there, not readable, damaged or harmful.
    """
    with explain_read_errors(path):
        state = state_of(os.stat(path))
        require_readable(path, "store", error=StoreError)
        if state not in SEALS:
            require_unlocked(path)
            seal = read_seal(path)
            if not is_hdf5(path):
                raise StoreError(f"{path} is not a store: it is no HDF5 file.", remedy_for(path))
            require_harmless(path, checked=bool(seal), beside=SHARD_PATH.pattern, error=StoreError)
            SEALS[state] = seal or f"{UNSEALED} {state}"
        return SEALS[state]


def remedy_for(path: Path) -> str:
    """What to do about a file that is no store: the command that takes it, by its name."""
    suffix = path.suffix.lower()
    if suffix in EVALUATED:
        return f"Evaluate it: genprobe evaluate {path}"
    return f"If it is a report: genprobe compare {path}" if suffix == ".json" else "Check the path."


def require_unlocked(path: Path) -> None:
    """Ask for the lock of HDF5 before anything is read: a file that is written to looks damaged.

    Raises:
        OSError: if another program writes to it.
    """
    if fcntl is None or os.environ.get("HDF5_USE_FILE_LOCKING", "").upper() in ("FALSE", "0"):
        return
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(error.errno, "unable to lock file") from error
        except OSError:
            return  # a file system without locks


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """An open file of a store that is whole; nothing but reading belongs into the block.

    It is to be short, as others may want to write, and nothing in it may iterate over the file
    itself: an iteration that an error cuts short keeps a lock of h5py, and the next call hangs.

    Raises:
        StoreError: if it cannot be opened or read, saying why.
    """
    seal_of(path)
    with explain_read_errors(path), h5py.File(path, "r") as file:
        yield file


@contextlib.contextmanager
def explain_read_errors(path: Path) -> Iterator[None]:
    """Turn what the file system, HDF5 or h5py says of a file into one clear line.

    Raises:
        StoreError: saying what is wrong with it.
    """
    try:
        yield
    except (GenprobeError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise StoreError(f"The store {path} is gone.", "Check the path.") from error
    except OSError as error:
        if error.errno is None:
            raise damaged(path, reason_of(error)) from error
        name = f"errno {error.errno}, {os.strerror(error.errno)}"
        if "lock" in str(error):
            raise StoreError(
                f"The store {path} is locked: another program is writing to it ({name}).",
                "Wait for it. If there is none, the file system cannot lock: set "
                "HDF5_USE_FILE_LOCKING=FALSE.",
            ) from error
        raise StoreError(
            f"The store {path} cannot be read ({name}).", "Check the path and its permissions."
        ) from error
    except Exception as error:
        raise damaged(path, reason_of(error)) from error


def damaged(path: Path, reason: str) -> StoreError:
    """The error of a file whose content cannot be right."""
    return StoreError(f"The store {path} is damaged: {reason}.", "Encode again with --fresh.")
