"""Files that others made: whether one can be read at all, and what reading it may raise and claim.

Every file that a user names, or that such a file names, passes here. ``require_readable`` looks
before anything is opened, because opening a pipe or a device may wait for ever. ``reading`` stands
around what a library reads and parses, and around nothing else: a fault of genprobe's own must not
pass for a damaged file.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from genprobe.errors import GenprobeError, reason_of
from genprobe.runtime.near_names import near_file

SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""What is at a path and is neither a file nor a folder, by its type."""
State = tuple[int, int, int, int]
LONGEST = 200
"""Characters of a reason."""
MOST_PACKED = 1100
"""Bytes that one compressed byte stands for at most; deflate, which gzip is, comes to 1032."""


def require_readable(
    path: Path,
    what: str = "file",
    *,
    folder: bool = False,
    error: type[GenprobeError] = GenprobeError,
) -> None:
    """Check that a path is of a file that can be opened, without waiting for anybody.

    Args:
        path: that the user named.
        what: is expected there, in words.
        folder: whether it may also be a folder.
        error: to raise.

    Raises:
        GenprobeError: saying what is there instead, or why it cannot be opened.

    Example:
        >>> require_readable(Path("/dev/null"))
        Traceback (most recent call last):
            ...
        genprobe.errors.GenprobeError: /dev/null is a device, not a file.
        Write what comes from it to a file, and name that.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            os.close(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))
            return
        if stat.S_ISDIR(mode) and folder:
            os.scandir(path).close()
            return
    except (OSError, ValueError) as fault:
        raise cannot_open(path, what, fault, error) from fault
    found = "a folder" if stat.S_ISDIR(mode) else SPECIAL.get(stat.S_IFMT(mode), "no file")
    remedy = "Write what comes from it to a file, and name that."
    if stat.S_ISDIR(mode):
        remedy = f"Name the {what} in it."
    raise error(f"{path} is {found}, not a file.", remedy)


def state_of(facts: os.stat_result) -> State:
    """What is no longer the same when a file was written to or replaced."""
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def read_whole(path: Path, error: type[GenprobeError] = GenprobeError) -> bytes:
    """The bytes of a small file, which is neither a pipe nor a device.

    Args:
        path: of the file.
        error: to raise.

    Raises:
        GenprobeError: if it cannot be read.
    """
    require_readable(path, error=error)
    with reading(path, "file", error=error):
        return path.read_bytes()


def is_absent(path: Path) -> bool:
    """Whether there is nothing at a path, not even what cannot be looked at.

    Example:
        >>> is_absent(Path("no-such-file")), is_absent(Path("x" * 5000))
        (True, False)
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def cannot_open(
    path: Path, what: str, fault: OSError | ValueError, error: type[GenprobeError]
) -> GenprobeError:
    """The error for a path that the system refuses.

    Args:
        path: that the user named.
        what: is expected there.
        fault: of the system; a ValueError where a name has a NUL in it.
        error: to make.
    """
    number = fault.errno if isinstance(fault, OSError) else errno.EINVAL
    if number in (errno.ENOENT, errno.ENOTDIR):
        with contextlib.suppress(OSError):
            return error(
                f"{path} is a symbolic link to {os.readlink(path)}, which is not there.",
                "Restore what it points to.",
            )
        return error(f"There is no {what} at {path}.", f"{near_file(path)}Check the path.")
    reason = "its name has a null byte"  # which every version of Python says otherwise
    if isinstance(fault, OSError):
        reason = fault.strerror or str(fault)
    denied = number in (errno.EACCES, errno.EPERM)
    return error(
        f"{path} cannot be read: {reason}.",
        "Check the permissions of the file and its folders." if denied else "Check the path.",
    )


@contextlib.contextmanager
def reading(
    path: Path,
    kind: str,
    remedy: str = "Check the path, or write it again.",
    error: type[GenprobeError] = GenprobeError,
) -> Iterator[None]:
    """Turn whatever a library raises while it reads a file into one clear line.

    Damaged bytes make libraries raise almost anything: OSError, ValueError, KeyError, MemoryError,
    OverflowError, RecursionError, zlib.error and errors of their own.

    Args:
        path: of the file.
        kind: what it is read as, in words.
        remedy: what to do about it.
        error: to raise.

    Raises:
        GenprobeError: naming the file and the reason. One that is raised inside passes as it is.

    Example:
        >>> import json
        >>> with reading(Path("cuts.json"), "JSON"):
        ...     json.loads("[" * 100_000)
        Traceback (most recent call last):
            ...
        genprobe.errors.GenprobeError: cuts.json does not read as JSON: it is nested too deeply.
        Check the path, or write it again.
    """
    try:
        yield
    except GenprobeError:
        raise
    except Exception as fault:
        raise error(f"{path} does not read as {kind}: {why(fault)}.", remedy) from fault


def why(fault: Exception) -> str:
    """Why a library did not read a file, in words that say something without its name."""
    if isinstance(fault, RecursionError):
        return "it is nested too deeply"
    if isinstance(fault, MemoryError):
        return "it claims more than fits into memory"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    if isinstance(fault, EOFError):
        return "it is cut short"
    if isinstance(fault, KeyError):
        return f"it has no {fault}"
    reason = reason_of(fault)  # a library may quote whatever it found
    return reason if len(reason) <= LONGEST else f"{reason[: LONGEST - 1]}…"


def require_backed(name: str, claimed: int, held: int, packed: bool = False) -> None:
    """Check that what a header claims can be in a file, before anything is allocated for it.

    Args:
        name: of the part that claims it.
        claimed: bytes it would have in memory.
        held: bytes of the file, or of that part of it.
        packed: whether they are compressed.

    Raises:
        ValueError: if they cannot be.

    Example:
        >>> require_backed("x", 8 * 10**12, 4096)
        Traceback (most recent call last):
            ...
        ValueError: x claims 8000000000000 bytes and has 4096
    """
    if not 0 <= claimed <= held * (MOST_PACKED if packed else 1):
        raise ValueError(f"{name} claims {claimed} bytes and has {held}")
