"""Having a file of HDF5 that is not one's own read by another process before one reads it oneself.

A few damaged bits make libhdf5 crash, or loop for ever.  The other process is one for all files,
started for the first; whatever happens to it, there is a clear line and a new one.
"""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from genprobe.errors import GenprobeError
from genprobe.runtime.untrusted import State, state_of

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
RESTORE = "Restore the file, or write it again."

_lock = threading.Lock()
_harmless: set[State] = set()
_readers: dict[int, subprocess.Popen[str]] = {}
"""The other process, by the process that started it: a fork must not talk to its parent's."""


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as those of HDF5 do."""
    with path.open("rb") as file:
        return file.read(len(HDF5_MAGIC)) == HDF5_MAGIC


def require_harmless(
    path: Path,
    *,
    checked: bool = False,
    beside: str = "",
    error: type[GenprobeError] = GenprobeError,
) -> None:
    """Check that reading a file of HDF5 ends, and reads nothing but that file.

    Args:
        path: of a regular file. One that is no HDF5, or locked, is left to who opens it.
        checked: whether a checksum holds, so that its arrays need not be read.
        beside: a regular expression of the names of other files that it may be put together from.
        error: to raise.

    Raises:
        GenprobeError: if reading it crashes, takes too long or too much memory, or shows other
            files.

    Example:
        >>> import h5py, pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.h5")
        ...     with h5py.File(path, "w") as file:
        ...         file["a"] = [1.0]
        ...     require_harmless(path)
    """
    state = state_of(os.stat(path))
    if state in _harmless:
        return
    request = {"path": os.path.abspath(path), "checked": checked, "beside": beside}
    with _lock:
        answer = _ask(request)
    if answer is None:
        raise error(f"{path} is damaged: reading it crashes HDF5, or never ends.", RESTORE)
    if answer:
        raise error(answer["what"], answer["remedy"])
    _harmless.add(state)


def _ask(request: dict[str, Any]) -> dict[str, str] | None:
    """What the other process answers; None if that is the end of it."""
    reader = _readers.get(os.getpid()) or _start()
    try:
        assert reader.stdin is not None
        assert reader.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            reader.stdin.write(json.dumps(request) + "\n")
            reader.stdin.flush()
        line = reader.stdout.readline()
        answer: dict[str, str] | None = json.loads(line) if line.endswith("\n") else None
    except BaseException:  # an interrupt: the answer would be taken for that of the next file
        _stop(reader)
        raise
    if answer is None:
        _stop(reader)
    return answer


def _start() -> subprocess.Popen[str]:
    """Start the other process, which finds what this one finds and outlives it by nothing."""
    found = os.pathsep.join(path or os.getcwd() for path in sys.path)
    reader = subprocess.Popen(
        [sys.executable, "-P", "-m", "genprobe.runtime.hdf5_reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": found, "OPENBLAS_NUM_THREADS": "1"},
        text=True,
        encoding="ascii",
        start_new_session=True,  # Ctrl-C is for this one
    )
    _readers[os.getpid()] = reader
    return reader


def _stop(reader: subprocess.Popen[str]) -> None:
    """End the other process; the next file gets a new one."""
    _readers.pop(os.getpid(), None)
    reader.kill()
    with contextlib.suppress(OSError):
        reader.communicate()


@atexit.register
def _stop_all() -> None:
    """End the other process, if this one has one."""
    if os.getpid() in _readers:
        _stop(_readers[os.getpid()])
