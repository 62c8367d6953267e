"""Writing a store so that a kill at any instant loses at most the segment in hand.

While encoding, each segment is a small HDF5 file of its own in ``STORE.partial/``: written aside,
synced, renamed. When all are there they are joined into one file, which is synced and renamed to
its final name. HDF5 itself is not crash-safe; a rename is.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import h5py
from filelock import FileLock, Timeout
from torch import Tensor

from genprobe.errors import StoreError
from genprobe.notice import Notice
from genprobe.runtime.atomic_write import atomic_write
from genprobe.runtime.ranks import ALONE, Ranks, barrier, broadcast_object
from genprobe.store.format import Header, dump_header, load_header, require_same
from genprobe.store.join import join_segments, write_notice
from genprobe.store.run_id import RUN_ID, awaits_report, can_resume, partial_folder, pending_run_id
from genprobe.types.family import Params


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
        self.run_id = ""
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
            self.partial.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(store_lock(self.partial))
            try:
                self._adopt(fresh)
                self.absent, self.run_id = self.missing(), pending_run_id(self.path)
            except BaseException:
                self.__exit__()
                raise

    def _attach(self) -> None:
        """Take over rank 0's header, if this rank has the same model and data."""
        text, self.run_id = broadcast_object((dump_header(self.header), self.run_id), self.ranks)
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
        for torn in self.partial.glob("*.writing"):
            torn.unlink()
        if self._resumes(fresh):
            return
        for old in self.partial.glob("*.h5"):
            old.unlink()
        # The id before the header: together with a header an id is always of that run.
        if fresh:
            with atomic_write(self.partial / RUN_ID) as aside:
                aside.write_text(uuid.uuid4().hex)
        with atomic_write(self.partial / "header.json") as aside:
            aside.write_text(dump_header(self.header))

    def _resumes(self, fresh: bool) -> bool:
        """Whether the folder is of this run, begun before.

        Raises:
            StoreError: if it is of another, and this is no fresh run, which would discard it.
        """
        record = self.partial / "header.json"
        if not record.exists() or (fresh and not can_resume(self.path)):
            return False
        try:
            found = load_header(record.read_bytes(), str(self.partial))
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
            if not any(self.partial.glob("*.h5")):
                (self.partial / "header.json").unlink(missing_ok=True)
                if not awaits_report(self.path):
                    (self.partial / RUN_ID).unlink(missing_ok=True)
        self._held.close()

    def segment_path(self, segment: int) -> Path:
        """The file of a segment."""
        return self.partial / f"{segment:08d}.h5"

    def missing(self) -> list[int]:
        """The segments that are not written yet, in order."""
        return [i for i in range(self.header.segments) if not self.segment_path(i).exists()]

    def discard(self) -> None:
        """Drop every segment, so that all are to be written again."""
        with barrier(self.ranks):
            if self.ranks.leads:
                for old in self.partial.glob("*.h5"):
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
            atomic_write(self.segment_path(segment)) as aside,
            h5py.File(aside, "w") as file,
        ):
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
        """
        with (
            explain_write_errors(self.partial),
            atomic_write(self.path) as aside,
            h5py.File(aside, "w") as file,
        ):
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
    for old in partial.glob("*"):
        if old.name not in ("lock", RUN_ID):
            old.unlink()


@contextlib.contextmanager
def explain_write_errors(place: Path) -> Iterator[None]:
    """Turn what the file system refuses into one clear line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"The store cannot be written at {place}: {reason}.",
            "Give --store a path in a folder that can be written.",
        ) from error
