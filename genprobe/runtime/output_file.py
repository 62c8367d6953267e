"""Result files: written whole or not at all, and never over a file that is somebody else's.

Every file that a user asks for is written here. What is there is replaced only if its content says
that genprobe wrote it as a result of the same kind, or if it is empty. Pipes and devices, such as
``/dev/stdout``, have nothing that could be lost and are written plainly.
"""

import contextlib
import os
import stat
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genprobe.errors import GenprobeError
from genprobe.runtime.atomic_write import sync
from genprobe.runtime.forgiving_file import ForgivingFile


@dataclass(frozen=True, kw_only=True)
class ResultKind:
    """A kind of result file.

    Attributes:
        name: with its article, such as ``a genprobe bundle``.
        wrote: whether the content of a file is of this kind; looked at only where there is one.
    """

    name: str
    wrote: Callable[[Path], bool]


def require_writable(path: Path, kind: ResultKind) -> None:
    """Check that a result can be written, before hours are spent on it, and replaces nothing else.

    Args:
        path: to be written.
        kind: of the result.

    Raises:
        GenprobeError: if its folder is missing or read-only, it is a folder itself, or a file is
            there that is not such a result.

    >>> import tempfile
    >>> lines = ResultKind(name="a list", wrote=lambda path: path.read_bytes().startswith(b"- "))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "notes").write_text("Not to be lost.")
    ...     try:
    ...         require_writable(Path(folder, "notes"), lines)
    ...     except GenprobeError as error:
    ...         print(error.what.replace(folder, "FOLDER"))
    FOLDER/notes is there and is not a list.
    """
    try:
        fault = what_forbids(path, kind)
    except OSError as error:
        fault = f"{path} cannot be written: {reason(error)}.", "Choose another path."
    if fault is not None:
        raise GenprobeError(*fault)


def what_forbids(path: Path, kind: ResultKind) -> tuple[str, str] | None:
    """What is wrong with writing a result to a path, and what to do; None if nothing is."""
    target = Path(os.path.realpath(path))
    if not os.path.lexists(target.parent):
        return f"There is no folder {path.parent} to write {path.name} in.", "Make it first."
    if path.is_dir():
        return f"{path} cannot be written: it is a folder.", "Name a file in it."
    if plain_target(path) is not None:
        return None
    there = target.exists()
    if not os.access(target.parent, os.W_OK) or (there and not os.access(target, os.W_OK)):
        return f"{path} cannot be written.", "Choose another path."
    if there and target.stat().st_size and not kind.wrote(target):
        return f"{path} is there and is not {kind.name}.", "Choose another path, or remove it."
    return None


def write_result(
    path: Path, content: bytes | Callable[[ForgivingFile], object], kind: ResultKind
) -> None:
    """Write a result whole, or leave what is there as it is.

    Through a symbolic link the file it points to is written, which keeps its permissions.

    Args:
        path: to be written.
        content: of the file, or what writes it into an open one.
        kind: of the result.

    Raises:
        GenprobeError: if it cannot be written, or a file is there that is not such a result.

    >>> import tempfile
    >>> anything = ResultKind(name="a file", wrote=lambda path: True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_result(Path(folder, "r.txt"), b"0.5", anything)
    ...     [file.name for file in Path(folder).iterdir()]
    ['r.txt']
    """
    require_writable(path, kind)
    write = content if callable(content) else lambda file: file.write(content)
    try:
        plain = plain_target(path)
        if plain is None:
            replace_file(Path(os.path.realpath(path)), write)
        else:
            if sys.stdout is not None:
                sys.stdout.flush()  # what was printed before comes before
            with ForgivingFile(plain, "w", closefd=not isinstance(plain, int)) as file:
                write(file)
                file.require_written()
    except OSError as error:
        raise GenprobeError(
            f"{path} cannot be written: {reason(error)}.",
            "What was there is as it was; make room or choose another path.",
        ) from error


def plain_target(path: Path) -> int | Path | None:
    """What is written in place, as a descriptor or a path; None for a file or where there is none.

    Standard output is known by its descriptor, also where it leads into a file: one that is renamed
    to that file's name would not have what is printed.
    """
    try:
        there = os.stat(path)
    except OSError:
        return None
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), there):
                return descriptor
    return None if stat.S_ISREG(there.st_mode) or stat.S_ISDIR(there.st_mode) else path


def replace_file(target: Path, write: Callable[[ForgivingFile], object]) -> None:
    """Write a file aside, sync it, and give it its name; at any fault what is there stays.

    Args:
        target: no symbolic link.
        write: puts the content into an open file.
    """
    aside = target.with_name(f".genprobe-{uuid.uuid4().hex}.writing")
    try:
        with open_aside(aside) as file:
            write(file)
            file.require_written()
            keep_permissions(file.fileno(), target)
            os.fsync(file.fileno())
            give_name(file.fileno(), aside)
        os.replace(aside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync(target.parent)


def open_aside(aside: Path) -> ForgivingFile:
    """A new file in a folder: nameless where the system has such, so that a kill leaves nothing."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # a network file system may have none
            return ForgivingFile(os.open(aside.parent, os.O_TMPFILE | os.O_WRONLY, 0o666), "w")
    return ForgivingFile(aside, "x")


def give_name(descriptor: int, aside: Path) -> None:
    """Give a nameless file a name; one that has it already keeps it."""
    if aside.exists():
        return
    folder = os.open(aside.parent, os.O_RDONLY)
    try:  # with a folder's descriptor Python follows the link to the file itself
        os.link(f"/proc/self/fd/{descriptor}", aside.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def keep_permissions(descriptor: int, target: Path) -> None:
    """Give a file the mode of the one it will replace, and its owner if that is allowed."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def same_file(first: str | Path, second: str | Path) -> bool:
    """Whether two paths are of one file, through links of any kind; also where it is not there yet.

    >>> same_file("results/r.json", "results/../results/r.json")
    True
    """
    try:
        return os.path.samefile(first, second)
    except (OSError, ValueError):
        return os.path.realpath(first) == os.path.realpath(second)


def paths_named(given: Any) -> Iterator[Path]:
    """Every path that an argument may name: as it stands, and without a scheme or a part of a file.

    >>> [path.name for path in paths_named(("a.pt", {"y": "idx:labels"}, 3))]
    ['a.pt', 'idx:labels', 'labels']
    """
    if isinstance(given, tuple | Mapping):
        for each in given.values() if isinstance(given, Mapping) else given:
            yield from paths_named(each)
    elif isinstance(given, str | Path):
        text = str(given)
        before = text.rpartition(":")[0].rstrip(":")
        names = {text, text.partition(":")[2], before if "." in before else ""}
        yield from (Path(part) for part in sorted(names) if part)


def reason(error: OSError) -> str:
    """Why the system refused, in its words."""
    return error.strerror or str(error)
