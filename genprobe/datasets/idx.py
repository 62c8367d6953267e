"""IDX files, the format of MNIST: a big-endian header of magic and sizes, then the values.

The magic is two zero bytes, a type code and the number of axes. Gzipped files are read as they
are. Bytes are scaled by 1/255.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from genprobe.datasets.find import find_file
from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError
from genprobe.types import Dataset, DatasetReader

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def open_idx(spec: str, split: str | None) -> Dataset:
    """The examples of one IDX file, looked for here and under GENPROBE_DATA_DIR.

    Raises:
        DataError: if the file is missing, cut short or not IDX, or a split is asked for.
    """
    if split is not None:
        raise DataError("An IDX file has no splits.", "Name the file of the split you want.")
    path = find_file(spec)
    return array_dataset(name_of(path), read_idx(path))


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, plain or gzipped.

    Raises:
        DataError: if the content is not IDX or is shorter than its header says.
    """
    content = read_bytes(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise DataError(f"{path} is not an IDX file: it starts with {content[:4]!r}.")
    start = 4 + 4 * content[3]
    sizes = content[4:start]
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4", count=len(sizes) // 4))
    dtype = np.dtype(TYPES[content[2]])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise DataError(
            f"{path} has {len(content)} bytes where its header, {shape}, needs {expected}.",
            "The file is damaged or cut short; fetch it again.",
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def read_bytes(path: Path) -> bytes:
    """The content of a file, decompressed if it is gzipped."""
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error


def name_of(path: Path) -> str:
    """``mnist/t10k-images-idx3-ubyte.gz`` to ``mnist/t10k-images``."""
    stem = path.name.removesuffix(".gz").split("-idx")[0]
    return f"{path.parent.name}/{stem}" if path.parent.name else stem


def recognises(path: Path) -> bool:
    """Whether the name is that of an IDX file."""
    name = path.name.removesuffix(".gz")
    return "-idx" in name or ("." in name and name.rsplit(".", 1)[1] in ("idx", "idx3-ubyte"))


idx = DatasetReader(scheme="idx", recognises=recognises, open=open_idx)
