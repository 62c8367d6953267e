"""Putting the arrays of segments, or of shards, together into one store."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from genprobe.errors import Notice, StoreError
from genprobe.store.format import EXAMPLE_AXIS, Header
from genprobe.store.intact import open_file

INDEX = "subset/index"
CHUNK = 1024
"""Examples of a subset a chunk."""
MANY_ROWS, CHUNK_BYTES = 128, 1 << 20
"""Of a column with more rows than this, so many bytes are a chunk: one a row would be millions."""


def write_notice(file: h5py.File, notice: Notice) -> None:
    """Keep a notice in a segment or a store, once a code."""
    attributes = file.require_group(f"notices/{notice.code}").attrs
    attributes["message"], attributes["remedy"] = notice.message, notice.remedy


def read_notices(file: h5py.File) -> list[Notice]:
    """The notices in a segment or a store."""
    return [
        Notice(code=code, message=str(group.attrs["message"]), remedy=str(group.attrs["remedy"]))
        for code, group in members(file, "notices").items()
    ]


def members(file: h5py.File, group: str) -> dict[str, Any]:
    """What is in a group, by name; nothing where there is no such group.

    Not an iteration over the group itself, which would keep a lock of h5py if an error cut it
    short.
    """
    return {name: file[group][name] for name in list(file.get(group, ()))}


def join_segments(
    file: h5py.File, header: Header, segments: Iterable[int], path_of: Callable[[int], Path]
) -> None:
    """Copy consecutive segments into one file."""
    spans = {segment: header.span(segment) for segment in segments}
    first, last = min(spans.values())[0], max(spans.values())[1]
    for segment, (start, stop) in spans.items():
        notices, arrays = read_segment(path_of(segment))
        for notice in notices:
            write_notice(file, notice)
        join_parts(file, arrays)
        for name, values in arrays.items():
            axis = axis_of(name)
            if axis is None:
                continue
            target = file.get(name)
            if target is None:
                target = create_column(file, name, values, axis, last - first, header.segment)
            where = (slice(None),) * axis + (slice(start - first, stop - first),)
            place = (*target.shape[:axis], stop - start, *target.shape[axis + 1 :])
            if place != values.shape:
                raise StoreError(
                    f"The segments of {target.file.filename} do not fit together: {name} is of "
                    f"shape {values.shape} in one, {place} in another.",
                    "An earlier version began it: encode again with --fresh.",
                )
            target[where] = values


def axis_of(name: str) -> int | None:
    """Which axis of an array counts the examples; None where no axis does."""
    return EXAMPLE_AXIS[name.split("/")[0]]


def join_parts(file: h5py.File, arrays: Mapping[str, np.ndarray]) -> None:
    """Join what is not of every example: sums are added up, and a subset grows.

    Args:
        file: that has those of the examples before.
        arrays: of the next examples, by path; others than these are passed over.
    """
    for name, values in arrays.items():
        if name.startswith("moments/"):
            add_moments(file, name, values)
    extend_subset(file, {k: v for k, v in arrays.items() if k.startswith("subset/")})


def extend_subset(file: h5py.File, arrays: Mapping[str, np.ndarray]) -> None:
    """Put columns (..., some) of a subset after those of the examples before.

    All have the length of ``subset/index``: NaN where some examples lack a column.
    """
    if INDEX not in arrays:
        return
    before = file[INDEX].size if INDEX in file else 0
    for name, values in arrays.items():
        if name not in file:
            create_growing(file, name, values)
    for target in file["subset"].values():
        target.resize(before + arrays[INDEX].size, axis=target.ndim - 1)
    for name, values in arrays.items():
        file[name][..., before:] = values


def create_growing(file: h5py.File, name: str, like: np.ndarray) -> h5py.Dataset:
    """An empty column (..., 0) that can grow along its last axis."""
    rows = like.shape[:-1]
    return file.create_dataset(
        name,
        shape=(*rows, 0),
        maxshape=(*rows, None),
        chunks=(*(1 for _ in rows), CHUNK),
        dtype=like.dtype,
        fletcher32=True,
        fillvalue=gap_of(like.dtype),
    )


def gap_of(dtype: np.dtype) -> float | None:
    """What stands where a column has nothing: NaN, where there is such a thing."""
    return np.nan if dtype.kind == "f" else None


def add_moments(file: h5py.File, name: str, values: np.ndarray) -> None:
    """Add a segment's sums to those of the segments before it."""
    target = file.require_dataset(
        name, values.shape, values.dtype, fletcher32=values.ndim > 0, chunks=values.shape or None
    )
    target[...] += values


def read_segment(path: Path) -> tuple[list[Notice], dict[str, np.ndarray]]:
    """Notices and arrays of one segment.

    Raises:
        StoreError: if it does not read.
    """
    with open_file(path) as file:
        return read_notices(file), {name: values[...] for name, values in iterate_arrays(file)}


def create_column(
    file: h5py.File, name: str, like: np.ndarray, axis: int, n: int, segment: int
) -> h5py.Dataset:
    """A column of gaps over n examples, in checksummed chunks of one segment and one draw.

    Of a column with far more rows than there are draws, features say, several share a chunk.
    """
    shape, chunks = list(like.shape), list(like.shape)
    shape[axis], chunks[axis] = n, min(n, segment)
    chunks[:axis] = [1] * axis
    if axis == 1 and shape[0] > MANY_ROWS:
        chunks[0] = min(shape[0], max(1, CHUNK_BYTES // (like.itemsize * math.prod(chunks))))
    return file.create_dataset(
        name,
        shape=tuple(shape),
        chunks=tuple(chunks),
        dtype=like.dtype,
        fletcher32=True,
        fillvalue=gap_of(like.dtype),
    )


def iterate_arrays(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """The arrays of a segment by path."""
    for group in EXAMPLE_AXIS:
        for name, values in sorted(members(file, group).items()):
            yield f"{group}/{name}", values
