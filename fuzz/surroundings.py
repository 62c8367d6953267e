"""What surrounds a process: a small disk that it alone sees, and the permissions that it must obey.

All of it goes with the process. Where the system does not allow it, ``NotPossible`` is raised.
"""

import ctypes
import os
from pathlib import Path

NEW_NAMESPACE, READ_ONLY, REMOUNT, RECURSIVE, PRIVATE = 0x20000, 1, 32, 1 << 14, 1 << 18
CAPABILITIES = 0x20080522
"""The version of the structures that capset(2) takes."""


class NotPossible(Exception):
    """This process may not mount, or not in a namespace of its own."""


def call(name: str, *arguments: object) -> None:
    """Call a function of the C library.

    Raises:
        NotPossible: if it fails.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        raise NotPossible(f"{name}: {os.strerror(ctypes.get_errno())}")


def leave_namespace() -> None:
    """Let what this process mounts be seen by itself and its children only.

    Raises:
        NotPossible: if it may not.
    """
    try:
        call("unshare", NEW_NAMESPACE)
        call("mount", b"none", b"/", None, ctypes.c_ulong(RECURSIVE | PRIVATE), None)
    except AttributeError as error:
        raise NotPossible("There are no namespaces on this system.") from error


def mount_disk(folder: Path, size: int) -> None:
    """Mount an empty disk in memory.

    Args:
        folder: that is there.
        size: bytes.
    """
    options = f"size={size}".encode()
    call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", ctypes.c_ulong(0), options)


def make_read_only(folder: Path) -> None:
    """Let nothing be written to a disk that is mounted."""
    flags = ctypes.c_ulong(REMOUNT | READ_ONLY)
    call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", flags, None)


def fill_up(folder: Path, free: int) -> Path:
    """Fill a disk but for so many bytes; returns the file that does."""
    path = folder / "filler"
    state = os.statvfs(folder)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize)
        os.ftruncate(file.fileno(), max(0, state.f_bavail * state.f_frsize - free))
    return path


def obey_permissions() -> None:
    """Let this process, even of root, be refused what the permissions of a file refuse.

    Raises:
        NotPossible: if its capabilities cannot be dropped.
    """
    if os.geteuid():
        return
    header = (ctypes.c_uint32 * 2)(CAPABILITIES, 0)
    nothing = (ctypes.c_uint32 * 6)()
    call("capset", header, nothing)
