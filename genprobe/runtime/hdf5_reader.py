"""The other process of ``genprobe.runtime.hdf5``: it reads files of HDF5 and says how it went.

One line of JSON a file comes in, one goes out: ``{}``, or what is wrong with the file.
"""

import json
import math
import os
import re
import sys
import time

import h5py

from genprobe.errors import GenprobeError, reason_of
from genprobe.runtime.hdf5 import RESTORE
from genprobe.runtime.hdf5_links import links, require_self_contained, require_stored

ANSWERS = 1
"""The descriptor that the other end reads; nothing here is for anybody to see."""
MEMORY = 2 << 30
"""Bytes of address space that reading a file may take."""
SECONDS = 2
BYTES_A_SECOND = 20e6
PIECE = 1 << 24
"""Bytes that are read at a time."""


def main() -> None:
    """Answer until there is no further question."""
    limit_memory()
    for line in sys.stdin:
        os.write(ANSWERS, json.dumps(answer(**json.loads(line))).encode() + b"\n")


def answer(path: str, checked: bool, beside: str) -> dict[str, str]:
    """What is wrong with a file; empty if nothing is, or opening it will say so.

    Args:
        path: of the file.
        checked: whether its arrays need not be read.
        beside: a regular expression of the names of other files that it may be put together from.
    """
    limit_time(SECONDS + os.path.getsize(path) / BYTES_A_SECOND)
    try:
        file = h5py.File(path, "r")
    except OSError:
        return {}
    try:
        with file:
            require_self_contained(file, lambda name: re.fullmatch(beside, name) is not None)
            if not checked:
                read_all(file)
    except GenprobeError as error:
        return {"what": error.what, "remedy": error.remedy}
    except Exception as error:
        return {"what": f"{path} is damaged: {reason_of(error)}.", "remedy": RESTORE}
    return {}


def read_all(file: h5py.File) -> None:
    """Read every array and attribute, a piece at a time, none of which claims more than there is.

    Raises:
        ValueError: naming an array that does.
    """
    held = file.id.get_filesize()
    dict(file.attrs)
    for name, one in links(file):
        if isinstance(one, h5py.HLObject):
            dict(one.attrs)
        if isinstance(one, h5py.Dataset) and not one.is_virtual and one.size:
            require_stored(name, one, held)
            rows = max(1, PIECE * len(one) // one.nbytes) if one.ndim else 1
            for start in range(0, len(one) if one.ndim else 1, rows):
                one[start : start + rows] if one.ndim else one[()]


def limit_memory() -> None:
    """Let what claims more memory than there is fail, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))


def limit_time(seconds: float) -> None:
    """Let this process end after so much more of a processor's time, where the system can.

    That is no clock, so a slow disk or a busy machine ends nothing.
    """
    try:
        import resource
    except ImportError:
        return
    until = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
