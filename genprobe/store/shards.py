"""A store whose arrays lie in several files, one a rank, and read as one.

Several ranks finish a store together: each joins a stretch of segments into a shard of its own in
``STORE.shards/``, and rank 0 writes ``STORE``, whose arrays are HDF5 virtual datasets over the
shards. Their paths are relative: a store moves with that folder.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import h5py

from genprobe.errors import StoreError
from genprobe.runtime.atomic_write import ASIDE
from genprobe.runtime.ranks import Ranks, barrier
from genprobe.store.format import Header, dump_header
from genprobe.store.intact import SHARD_PATH, open_file, seal_of
from genprobe.store.join import (
    axis_of,
    gap_of,
    iterate_arrays,
    join_parts,
    read_notices,
    write_notice,
)
from genprobe.store.run_id import can_resume, partial_folder
from genprobe.store.sealed_file import write_sealed
from genprobe.store.shard import Shard, shards_of
from genprobe.store.write import (
    StoreWriter,
    explain_write_errors,
    remove_segments,
    store_lock,
)
from genprobe.types.family import Params


def segments_of(shard: Shard, header: Header) -> range:
    """The segments whose examples a shard holds."""
    return range(shard.start // header.segment, -(-shard.stop // header.segment))


def finish_store(writer: StoreWriter, prior: Params) -> None:
    """Make the finished store of what the ranks wrote: one file, or one a rank and their union.

    Args:
        writer: of the store, with every segment written.
        prior: the tensors the prior was built from.
    """
    ranks = writer.ranks
    shards = plan_shards(writer.path, writer.header, ranks.size, writer.run_id)
    with barrier(ranks):
        if len(shards) > 1 and ranks.rank < len(shards):
            write_shard(writer, shards[ranks.rank])
    with barrier(ranks):
        if ranks.leads and len(shards) > 1:
            writer.finish(
                prior, lambda file: unite_shards(file, writer.path, shards, writer.header)
            )
        elif ranks.leads:
            writer.finish(prior)
        if ranks.leads:
            drop_shards(writer.path)


def plan_shards(path: Path, header: Header, size: int, run_id: str) -> list[Shard]:
    """At most so many stretches of whole segments, and where each goes.

    The names carry a hash of the header, and of the id of a fresh run: shards of another run are
    not written over while the store still reads them.
    """
    count = min(size, header.segments)
    token = hashlib.sha256((dump_header(header) + run_id).encode()).hexdigest()[:8]
    shards = []
    for i in range(count):
        first, last = Ranks(i, count).span(header.segments)
        name = f"{shards_folder(path).name}/{i:05d}-of-{count:05d}-{token}.h5"
        shards.append(Shard(name, header.span(first)[0], header.span(last - 1)[1]))
    return shards


def shards_folder(path: Path) -> Path:
    """The folder of a store's shards."""
    return path.with_name(path.name + ".shards")


def write_shard(writer: StoreWriter, shard: Shard) -> None:
    """Join the segments of one shard."""
    header, place = writer.header, writer.path.parent / shard.path
    with explain_write_errors(place):
        place.parent.mkdir(exist_ok=True)
        with write_sealed(place) as file:
            file.attrs["header"] = dump_header(header)
            writer.join(file, segments_of(shard, header))


def unite_shards(file: h5py.File, path: Path, shards: list[Shard], header: Header) -> None:
    """Fill a store with the union of its shards: what is of every example virtually.

    Sums, notices and what is of a subset are in the store itself.

    Args:
        file: of the store.
        path: that the shards' paths are relative to.
        shards: in order, written.
        header: of the store.
    """
    sealed = [shard._replace(seal=seal_of(path.parent / shard.path)) for shard in shards]
    file.attrs["shards"] = json.dumps([shard._asdict() for shard in sealed])
    layouts: dict[str, h5py.VirtualLayout] = {}
    for shard in shards:
        with open_file(path.parent / shard.path) as source:
            for notice in read_notices(source):
                write_notice(file, notice)
            arrays = dict(iterate_arrays(source))
            join_parts(file, {k: v[...] for k, v in arrays.items() if axis_of(k) is None})
            for name, values in arrays.items():
                axis = axis_of(name)
                if axis is None:
                    continue
                if name not in layouts:
                    shape = (*values.shape[:axis], header.n, *values.shape[axis + 1 :])
                    layouts[name] = h5py.VirtualLayout(shape, values.dtype)
                where = (slice(None),) * axis + (slice(shard.start, shard.stop),)
                layouts[name][where] = virtual_source(shard, name, values)
    for name, layout in layouts.items():
        file.create_virtual_dataset(name, layout, fillvalue=gap_of(layout.dtype))


def virtual_source(shard: Shard, name: str, values: h5py.Dataset) -> h5py.VirtualSource:
    """An array of a shard; HDF5 would read a percent sign in a path as a pattern."""
    return h5py.VirtualSource(shard.path.replace("%", "%%"), name, values.shape, values.dtype)


def drop_shards(path: Path) -> None:
    """Remove whatever a finished store does not name from the folder of its shards."""
    folder = shards_folder(path)
    if not folder.is_dir() or folder.is_symlink():
        return
    with open_file(path) as file:
        named = {Path(shard.path).name for shard in shards_of(file)}
    with explain_write_errors(folder):
        for old in folder.iterdir():
            is_shard = SHARD_PATH.fullmatch(f"{folder.name}/{old.name.removesuffix(ASIDE)}")
            if is_shard and old.name not in named:
                old.unlink()
        if not named:
            with contextlib.suppress(OSError):  # what others put there stays
                folder.rmdir()


def drop_leftovers(path: Path) -> None:
    """Remove what a kill between finishing and cleaning left of a store, unless it is in use."""
    partial = partial_folder(path)
    if partial.is_dir() and not can_resume(path):
        with contextlib.suppress(StoreError), explain_write_errors(partial), store_lock(partial):
            remove_segments(partial)
            drop_shards(path)
