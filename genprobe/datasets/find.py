"""Where a data file is: as the path says, else under GENPROBE_DATA_DIR."""

import os
from pathlib import Path

from genprobe.errors import DataError
from genprobe.runtime.near_names import near_file
from genprobe.runtime.untrusted import is_absent, require_readable


def find_file(spec: str) -> Path:
    """The path of a data file.

    Raises:
        DataError: if it is in neither place.

    Example:
        >>> find_file("no-such-file.npy")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        genprobe.errors.DataError: There is no data file at no-such-file.npy...
    """
    for path in places(spec):
        if os.path.isfile(path):
            require_readable(path, "data file", error=DataError)
            return path
    require_openable(spec)
    if (folder := find_folder(spec)) is not None:
        raise DataError(f"{folder} is a folder, not a file.", "Name a data file in it.")
    looked = " and ".join(str(path) for path in places(spec))
    meant = near_file(places(spec)[0])
    raise DataError(
        f"There is no data file at {looked}.",
        f"{meant}Check the path; relative paths are also looked for under GENPROBE_DATA_DIR.",
    )


def require_openable(spec: str) -> None:
    """Check that what is at a path of data is a file or folder that can be opened, if anything is.

    Args:
        spec: the path, perhaps with ``::NAME`` after it.

    Raises:
        DataError: saying what is there instead, or why it cannot be opened.
    """
    for path in places(spec.partition("::")[0]):
        if not is_absent(path):
            require_readable(path, "data file", folder=True, error=DataError)


def find_folder(spec: str) -> Path | None:
    """The folder that a path of data names, in either place; None if it names none."""
    return next((path for path in places(spec) if os.path.isdir(path)), None)


def places(spec: str) -> list[Path]:
    """Where a path of data may be."""
    folder = os.environ.get("GENPROBE_DATA_DIR")
    return [Path(spec).expanduser(), *([Path(folder) / spec] if folder else [])]


def data_folders() -> list[str]:
    """The folders under GENPROBE_DATA_DIR, which may be named as data."""
    folder = os.environ.get("GENPROBE_DATA_DIR")
    if not folder or not os.path.isdir(folder):
        return []
    return sorted(path.name for path in Path(folder).iterdir() if path.is_dir())


def names_in(folder: Path, most: int = 5) -> str:
    """What is in a folder, in words.

    Args:
        folder: that exists.
        most: names that are listed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     names_in(Path(folder))
        'it is empty'
    """
    names = [path.name + "/" * path.is_dir() for path in sorted(folder.iterdir())]
    if not names:
        return "it is empty"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"it holds {', '.join(names[:most])}{more}"
