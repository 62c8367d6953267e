"""A shard of a store: one of several files that its arrays lie in, and which of them it names."""

import itertools
import json
from typing import NamedTuple

import h5py

from genprobe.store.intact import SHARD_PATH


class Shard(NamedTuple):
    """A file that holds the examples from start to before stop.

    Attributes:
        path: relative to the folder of the store.
        start: its first example.
        stop: the one after its last.
        seal: its checksum; empty before it is written, and in stores of version 1.
    """

    path: str
    start: int
    stop: int
    seal: str = ""


def shards_of(file: h5py.File) -> list[Shard]:
    """The shards of an open store, in order; none if it is one file.

    Raises:
        ValueError: if one has no name that genprobe gives, or they do not follow on each other.
    """
    shards = [Shard(**shard) for shard in json.loads(file.attrs.get("shards", "[]"))]
    for before, shard in itertools.pairwise([Shard("", 0, 0), *shards]):
        if not SHARD_PATH.fullmatch(shard.path):
            raise ValueError(f"{shard.path!r} is no shard of a store")
        if shard.start != before.stop or not shard.start < shard.stop:
            raise ValueError("its shards do not follow on each other")
    return shards
