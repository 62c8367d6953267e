"""IDX files, the format of MNIST: a big-endian header of magic and sizes, then the values.

The magic is two zero bytes, a type code and the number of axes. Gzipped files are read as they
are. Bytes are scaled by 1/255.
"""

import contextlib
import gzip
import logging
import math
from collections.abc import Collection
from pathlib import Path
from typing import IO

import numpy as np

from genprobe.datasets.find import find_file, find_folder, places
from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError
from genprobe.runtime.near_names import hint
from genprobe.runtime.untrusted import MOST_PACKED, reading
from genprobe.types import Dataset, DatasetReader

log = logging.getLogger("genprobe")

SPLITS = {"t10k": "test"}
"""What the split is called whose file begins so; others are called as they begin."""
GZIP_MAGIC = b"\x1f\x8b"
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def open_idx(spec: str, split: str | None) -> Dataset:
    """The examples of one IDX file, looked for here and under GENPROBE_DATA_DIR.

    Args:
        spec: path of the file, or of a folder with the images of several splits, as that of MNIST.
        split: of a folder: ``train``, ``test`` (whose files begin with t10k) or what else begins a
            name; by default ``test``, or the only one there is.

    Raises:
        DataError: if the file is missing, cut short or not IDX, or there is no such split.
    """
    there = splits_in(spec)
    if there:
        path = there[chosen_split(spec, split, list(there))]
    elif split is not None:
        raise DataError("An IDX file has no splits.", "Name the file of the split you want.")
    else:
        path = find_file(spec)
    return array_dataset(name_of(path), read_idx(path))


def splits_in(spec: str) -> dict[str, Path]:
    """The files of images in a folder by the split that each is; empty for what is no folder."""
    folder = find_folder(spec)
    if folder is None or any(path.is_file() for path in places(spec)):
        return {}
    with contextlib.suppress(OSError):
        files = [p for p in sorted(folder.iterdir()) if named_idx(p) and "-images" in p.name]
        # The first of a file and its packed copy is the file.
        return {SPLITS.get(s, s): p for p in reversed(files) for s in [p.name.split("-images")[0]]}
    return {}


def chosen_split(spec: str, split: str | None, there: Collection[str]) -> str:
    """The split of a folder that is meant; the log says which, where several might be.

    Raises:
        DataError: if there is none of that name.
    """
    listed = ", ".join(sorted(there))
    if split is None:
        found = "test" if "test" in there else min(there)
        if len(there) > 1:
            log.info("%s holds %s: %s is taken; choose with --split.", spec, listed, found)
        return found
    if split not in there:
        raise DataError(
            f"{spec} has no split {split!r}.",
            f"{hint(split, there, 'splits')}Choose one of {listed}.",
        )
    return split


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, plain or gzipped.

    Raises:
        DataError: if the content is not IDX or is not as long as its header says.
    """
    with reading(path, "IDX", "The file is damaged; fetch it again.", DataError):
        with path.open("rb") as file:
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            return read_content(path, file, packed)


def read_content(path: Path, file: IO[bytes] | gzip.GzipFile, packed: bool) -> np.ndarray:
    """The array in the content of an IDX file.

    Args:
        path: of the file.
        file: at the start of its content, decompressed.
        packed: whether it is gzipped.

    Raises:
        DataError: if the content is not IDX or is not as long as its header says.
    """
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise DataError(f"{path} is not an IDX file: it starts with {magic!r}.")
    sizes = file.read(4 * magic[3])
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4", count=len(sizes) // 4))
    dtype = np.dtype(TYPES[magic[2]])
    expected = math.prod(shape) * dtype.itemsize
    most = path.stat().st_size * (MOST_PACKED if packed else 1)
    # One more, to see that there is none, and that gzip compares its checksum.
    content = file.read(min(expected, most) + 1)
    if len(content) != expected or len(shape) < magic[3]:
        there = f"more than {expected}" if len(content) > expected else len(content)
        raise DataError(
            f"{path} has {there} bytes where its header, {shape[:8]}, needs {expected}.",
            "The file is damaged or cut short; fetch it again.",
        )
    values = np.frombuffer(content, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def name_of(path: Path) -> str:
    """``mnist/t10k-images-idx3-ubyte.gz`` to ``mnist/t10k-images``."""
    stem = path.name.removesuffix(".gz").split("-idx")[0]
    return f"{path.parent.name}/{stem}" if path.parent.name else stem


def recognises(path: Path) -> bool:
    """Whether the name is that of an IDX file, or of a folder with images in such files."""
    return named_idx(path) or bool(splits_in(str(path)))


def named_idx(path: Path) -> bool:
    """Whether the name is that of an IDX file."""
    name = path.name.removesuffix(".gz")
    return "-idx" in name or ("." in name and name.rsplit(".", 1)[1] in ("idx", "idx3-ubyte"))


idx = DatasetReader(scheme="idx", recognises=recognises, open=open_idx)
