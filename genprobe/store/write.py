"""Writing a store so that a kill at any instant loses at most the segment in hand.

While encoding, each segment is a small HDF5 file of its own in ``STORE.partial/``: written aside,
synced, renamed. When all are there they are joined into one file, which is synced and renamed to
its final name. HDF5 itself is not crash-safe; a rename is.
"""

import contextlib
import errno
import logging
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
from filelock import FileLock, Timeout
from torch import Tensor
from xxhash import xxh3_128_hexdigest

from genprobe.errors import Notice, StoreError
from genprobe.runtime.atomic_write import ASIDE, atomic_write
from genprobe.runtime.output_file import reason
from genprobe.runtime.ranks import ALONE, Ranks, barrier, broadcast_object
from genprobe.runtime.untrusted import read_whole
from genprobe.store.format import SEALED_SINCE, Header, dump_header, load_header, require_same
from genprobe.store.intact import UNSEALED, open_file, seal_of
from genprobe.store.join import join_segments, write_notice
from genprobe.store.own_store import require_own_store
from genprobe.store.run_id import RUN_ID, awaits_report, can_resume, partial_folder, pending_run_id
from genprobe.store.sealed_file import write_sealed
from genprobe.types.family import Params

log = logging.getLogger("genprobe")

HEADER = "header.json"
SEGMENT = re.compile(r"\d{8,}\.h5")
OWN = re.compile(rf"({SEGMENT.pattern}|{HEADER})({ASIDE})?|{RUN_ID}{ASIDE}")
OWN_ASIDE = re.compile(rf"({SEGMENT.pattern}|{HEADER}|{RUN_ID}){ASIDE}")
"""Names of genprobe's own files in a folder of segments, which it deletes: no others."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a full disk, a quota and a limit on the size of files are called."""


class StoreWriter:
    """The only writer of one store; use it as a context manager.

    Of several ranks, rank 0 holds the lock and the others attach themselves to its writer.

    Args:
        path: where the finished store will be.
        header: what the run is; a partial store of any other run is refused.
        fresh: discard a partial store, unless a fresh run of the same began it, which goes on.
        ranks: the group that writes it.

    Attributes:
        absent: the segments that were not there at the start.
        mine: those of them that this rank writes.
        run_id: of a fresh run; else empty.
        token: what the segments of this run have in common: a hash of ``header.json``.

    Raises:
        StoreError: if the folder cannot be written, another process writes this store, or a
            partial store there belongs to another run.
    """

    def __init__(
        self, path: Path, header: Header, *, fresh: bool = False, ranks: Ranks = ALONE
    ) -> None:
        self.path = path
        self.header = header
        self.ranks = ranks
        self.partial = partial_folder(path)
        self.absent: list[int] = []
        self.run_id = self.token = ""
        self._held = contextlib.ExitStack()
        with barrier(ranks):
            if ranks.leads:
                self._open(fresh)
        try:
            self.absent = broadcast_object(self.absent, ranks)
            self.mine = self.absent[slice(*ranks.span(len(self.absent)))]
            self._attach()
        except BaseException:
            self.__exit__()
            raise

    def _open(self, fresh: bool) -> None:
        with explain_write_errors(self.partial):
            require_no_link(self.partial)
            self.partial.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(store_lock(self.partial))
            try:
                self._adopt(fresh)
                self.token = xxh3_128_hexdigest(read_whole(self.partial / HEADER))
                self._drop_damaged()
                self.absent, self.run_id = self.missing(), pending_run_id(self.path)
            except BaseException:
                self.__exit__()
                raise

    def _attach(self) -> None:
        """Take over rank 0's header, if this rank has the same model and data."""
        said = (dump_header(self.header), self.run_id, self.token)
        text, self.run_id, self.token = broadcast_object(said, self.ranks)
        leading = load_header(text, str(self.path))
        with barrier(self.ranks):
            try:
                require_same(leading, self.header, str(self.path))
            except StoreError as error:
                raise StoreError(
                    f"Rank {self.ranks.rank} and rank 0 do not have the same inputs: {error.what}",
                    "Give every process the same model and the same data.",
                ) from error
            if not self.partial.is_dir():
                raise StoreError(
                    f"Rank {self.ranks.rank} does not see {self.partial}, which rank 0 made.",
                    "Give --store a path on a file system that all machines share.",
                )
        self.header = leading

    def _adopt(self, fresh: bool) -> None:
        """Keep the finished segments of the same run, or start a new header."""
        for torn in own_files(self.partial, OWN_ASIDE):
            torn.unlink()
        if self._resumes(fresh):
            return
        for old in own_files(self.partial, SEGMENT):
            old.unlink()
        # The id before the header: together with a header an id is always of that run.
        if fresh:
            with atomic_write(self.partial / RUN_ID) as aside:
                aside.write_text(uuid.uuid4().hex)
        with atomic_write(self.partial / HEADER) as aside:
            aside.write_text(dump_header(self.header))

    def _resumes(self, fresh: bool) -> bool:
        """Whether the folder is of this run, begun before.

        Raises:
            StoreError: if it is of another, and this is no fresh run, which would discard it.
        """
        record = self.partial / HEADER
        if not os.path.lexists(record) or (fresh and not can_resume(self.path)):
            return False
        try:
            found = load_header(read_whole(record), str(self.partial))
            require_same(found, self.header, str(self.partial))
        except StoreError:
            if fresh:
                return False
            raise
        return True

    def __enter__(self) -> "StoreWriter":
        return self

    def __exit__(self, *failure: object) -> None:
        """Let go of the lock; of a run that finished no segment and no store nothing stays."""
        if not self.ranks.leads:
            return
        with contextlib.suppress(OSError):
            if not own_files(self.partial, SEGMENT):
                (self.partial / HEADER).unlink(missing_ok=True)
                if not awaits_report(self.path):
                    (self.partial / RUN_ID).unlink(missing_ok=True)
        self._held.close()

    def segment_path(self, segment: int) -> Path:
        """The file of a segment."""
        return self.partial / f"{segment:08d}.h5"

    def missing(self) -> list[int]:
        """The segments that are not written yet, in order."""
        return [i for i in range(self.header.segments) if not self.segment_path(i).exists()]

    def _drop_damaged(self) -> None:
        """Drop the segments that are damaged, or are not what their name says: they come again."""
        record = self.partial / HEADER
        sealed = load_header(read_whole(record), str(record)).version >= SEALED_SINCE
        for segment in set(range(self.header.segments)) - set(self.missing()):
            path = self.segment_path(segment)
            try:
                with open_file(path) as file:
                    facts = dict(file.attrs)
                has_seal = not seal_of(path).startswith(UNSEALED)
            except StoreError as error:
                what = error.what
            else:
                if facts == self._facts(segment) if has_seal else not sealed:
                    continue
                what = "it is of another run, of other examples, or was changed."
            log.warning("The segment %s is encoded again: %s", path, what)
            path.unlink()

    def _facts(self, segment: int) -> dict[str, Any]:
        """What the file of a segment says of itself."""
        return {"run": self.token, "segment": segment}

    def discard(self) -> None:
        """Drop every segment, so that all are to be written again."""
        with barrier(self.ranks):
            if self.ranks.leads:
                for old in own_files(self.partial, SEGMENT):
                    old.unlink()
        self.absent = list(range(self.header.segments))
        self.mine = self.absent[slice(*self.ranks.span(len(self.absent)))]

    def seal(self, dataset_fingerprint: str, context_fingerprint: str | None) -> None:
        """Put into the header what is known once every example was read.

        Args:
            dataset_fingerprint: of the data.
            context_fingerprint: of what a conditional model was given.
        """
        self.header = replace(
            self.header,
            dataset_fingerprint=dataset_fingerprint,
            context_fingerprint=context_fingerprint,
        )

    def write(self, segment: int, arrays: Mapping[str, Tensor], *notices: Notice | None) -> None:
        """Write one segment, whole or not at all.

        Args:
            segment: its position.
            arrays: by path in the store, such as ``draws/z``.
            notices: what was said of the data and of the model, if anything.
        """
        with (
            explain_write_errors(self.partial),
            write_sealed(self.segment_path(segment)) as file,
        ):
            file.attrs.update(self._facts(segment))
            for name, values in arrays.items():
                file.create_dataset(name, data=values.numpy(), fletcher32=values.dim() > 0)
            for notice in filter(None, notices):
                write_notice(file, notice)

    def join(self, file: h5py.File, segments: Iterable[int]) -> None:
        """Copy consecutive segments into one file, whose first example is theirs."""
        join_segments(file, self.header, segments, self.segment_path)

    def finish(self, prior: Params, fill: Callable[[h5py.File], None] | None = None) -> None:
        """Make the finished store and drop the partial one, but for the id of a fresh run.

        Args:
            prior: the tensors the prior was built from.
            fill: puts the arrays into the file; by default all segments are joined.

        Raises:
            StoreError: if it cannot be written, or something else is in its place by now.
        """
        require_own_store(self.path, (), fresh=True)  # somebody may have put a file there meanwhile
        with explain_write_errors(self.partial), write_sealed(self.path) as file:
            file.attrs["header"] = dump_header(self.header)
            if self.run_id:
                file.attrs[RUN_ID] = self.run_id
            for name, values in prior.items():
                array = values.cpu().numpy()
                file.create_dataset(f"prior/{name}", data=array, fletcher32=array.ndim > 0)
            if fill is None:
                self.join(file, range(self.header.segments))
            else:
                fill(file)
        remove_segments(self.partial)


@contextlib.contextmanager
def store_lock(partial: Path) -> Iterator[None]:
    """The lock of a folder in which a store is written; the folder goes with it if it is empty.

    Raises:
        StoreError: if another process has it.
    """
    lock = FileLock(partial / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(
            f"Another process is writing the store {partial.with_suffix('')}.",
            "Wait for it, or give another --store.",
        ) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (partial / "lock").unlink()
            lock.release()
            partial.rmdir()
        lock.release()


def remove_segments(partial: Path) -> None:
    """Drop what a finished store was made of."""
    for old in own_files(partial, OWN):
        old.unlink()


def own_files(partial: Path, names: re.Pattern[str]) -> list[Path]:
    """The files of such names in a folder, which is not a link to elsewhere."""
    if partial.is_symlink() or not partial.is_dir():
        return []
    return sorted(path for path in partial.iterdir() if names.fullmatch(path.name))


def require_no_link(folder: Path) -> None:
    """Check that a folder of genprobe's own is not a link to one of somebody else's.

    Raises:
        StoreError: if it is.
    """
    if folder.is_symlink():
        raise StoreError(
            f"{folder} is a symbolic link: genprobe writes and deletes files in that folder.",
            "Remove the link, or give another --store.",
        )


@contextlib.contextmanager
def explain_write_errors(place: Path) -> Iterator[None]:
    """Turn what the file system refuses into one clear line."""
    try:
        yield
    except OSError as error:
        remedy = "Give --store a path in a folder that can be written."
        if error.errno in FULL:
            remedy = "Make room and run again: it goes on from what is written."
        raise StoreError(
            f"The store cannot be written at {place}: {reason(error)}.", remedy
        ) from error
