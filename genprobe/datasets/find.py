"""Where a data file is: as the path says, else under GENPROBE_DATA_DIR."""

import os
from pathlib import Path

from genprobe.errors import DataError


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
    candidates = [Path(spec).expanduser()]
    if folder := os.environ.get("GENPROBE_DATA_DIR"):
        candidates.append(Path(folder) / spec)
    for path in candidates:
        if os.path.isfile(path):
            return path
    looked = " and ".join(str(path) for path in candidates)
    raise DataError(
        f"There is no data file at {looked}.",
        "Check the path; relative paths are also looked for under GENPROBE_DATA_DIR.",
    )
