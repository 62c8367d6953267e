"""The store of a run: where it is, and encoding into it whatever it does not have yet."""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from genprobe.encoding.calls import bind
from genprobe.encoding.encode import encode
from genprobe.encoding.identity import changes_in
from genprobe.encoding.parts import Parts
from genprobe.encoding.placement import in_evaluation
from genprobe.encoding.probed import probes_for
from genprobe.encoding.same_model import what_model_changed
from genprobe.errors import StoreError
from genprobe.estimators.call import Estimator
from genprobe.plugins import plugins
from genprobe.probes.chain_slopes import for_chain
from genprobe.runs.chosen_labels import NO_LABELS, ChosenLabels
from genprobe.runtime.progress import Progress
from genprobe.runtime.ranks import ALONE, Ranks, barrier, broadcast_object
from genprobe.runtime.temporary import explain_temporary
from genprobe.store.format import Header, require_same
from genprobe.store.intact import target_of
from genprobe.store.read import Store, open_store
from genprobe.store.run_id import awaits_report, partial_folder
from genprobe.store.shards import drop_leftovers
from genprobe.store.stretches import Stretch, stretches_begun, stretches_of
from genprobe.store.write import StoreWriter
from genprobe.types import Dataset

log = logging.getLogger("genprobe")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """An evaluation on its way: its model and data, its store, and where it works.

    Attributes:
        path: of the store.
        header: what the run is.
        parts: of the model.
        dataset: to be encoded.
        labels: of its examples, to be put into the store.
        device: of the model.
        batch_size: examples a call of the model.
        progress: display.
        ranks: the group.
        estimators: of a store that nobody keeps, where they were chosen; else None.
    """

    path: Path
    header: Header
    parts: Parts
    dataset: Dataset
    device: torch.device
    batch_size: int
    progress: Progress
    labels: ChosenLabels = NO_LABELS
    ranks: Ranks = ALONE
    estimators: Mapping[str, Estimator] | None = None


@contextlib.contextmanager
def store_location(store: str | Path | None, ranks: Ranks = ALONE) -> Iterator[Path]:
    """The path of the store; without one, a temporary path of rank 0 that goes if this fails."""
    if store is not None:
        yield target_of(store)
        return
    folder = None
    with barrier(ranks):
        if ranks.leads:
            with explain_temporary("What the model gives", "name a file with --store"):
                folder = tempfile.mkdtemp(prefix="genprobe-")
    try:
        yield Path(broadcast_object(folder, ranks) or "") / "store.h5"
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def encoded_store(run: Run, fresh: bool) -> Store:
    """The finished store of a run: as it is there, resumed, or encoded from the start.

    Args:
        run: whose store it is.
        fresh: encode again even if the store is finished.

    Raises:
        StoreError: if it belongs to another run or cannot be written.
    """
    path, header, ranks, progress = run.path, run.header, run.ranks, run.progress
    # Rank 0 alone looks: a network file system may remember for others that there was nothing.
    with barrier(ranks):
        finished = ranks.leads and is_finished(path, header, fresh)
    if broadcast_object(finished, ranks):
        found = reuse_store(run, fresh)
        if found is not None:
            return found
    probes = plugins().all("probes")
    # Draws of a rate that has no closed form follow on those of other probes.
    if run.estimators is not None and header.rate_analytic:
        probes = probes_for(probes, run.estimators)
    if not header.encoder or header.diffusion is not None:
        probes = probes_for(probes, {})
    if header.levels:
        probes = for_chain(probes)
    with StoreWriter(path, header, fresh=fresh, ranks=ranks) as writer:
        before = begun_before(run, writer, fresh)
        total = count_examples(header, before.union(writer.mine))
        with barrier(ranks):
            progress.advance("encode", count_examples(header, before), total)
        encode(
            run.parts,
            run.dataset,
            writer,
            probes,
            batch_size=run.batch_size,
            device=run.device,
            advance=lambda count: progress.advance("encode", count, total),
        )
    with barrier(ranks):
        return open_store(path)


def is_finished(path: Path, header: Header, fresh: bool) -> bool:
    """Whether the store is finished; of a fresh run, by that run itself, before an interrupt."""
    if not fresh:
        return os.path.exists(path) and os.path.getsize(path) > 0
    if not awaits_report(path):
        return False
    try:
        require_same(open_store(path).header, header, str(path))
    except StoreError:
        return False
    return True


def restart_hint(path: Path, fresh: bool) -> str:
    """What to do if a fresh run should not go on from where it was interrupted."""
    return f" To begin anew, delete {partial_folder(path)}." if fresh else ""


def reuse_store(run: Run, fresh: bool) -> Store | None:
    """The store that an earlier run finished; None if a fresh run is to make it again.

    Raises:
        StoreError: if it belongs to another run.
    """
    path, header, ranks = run.path, run.header, run.ranks
    with barrier(ranks):
        found = open_store(path)
        require_same(found.header, header, str(path))
    what = what_changed(run, found.header, stretches_of(found))
    if what and fresh:
        return None
    with barrier(ranks):
        if what:
            raise of_another_run(path, what)
        if ranks.leads:
            drop_leftovers(path)
            log.info(
                "Reused %s: all %d examples were encoded before.%s",
                path,
                header.n,
                restart_hint(path, fresh),
            )
    return found


def begun_before(run: Run, writer: StoreWriter, fresh: bool) -> set[int]:
    """The segments of an unfinished store that the run goes on from; none if it begins again.

    Raises:
        StoreError: if they are of another run, and this one is not to begin again.
    """
    header, ranks = run.header, run.ranks
    before = sorted(set(range(header.segments)) - set(writer.absent))
    if not before:
        return set()
    what = what_changed(run, header, stretches_begun(writer, before))
    with barrier(ranks):
        if what and not fresh:
            raise of_another_run(writer.partial, what)
    if what:
        writer.discard()
    if ranks.leads and what:
        log.info("Began %s again: what was encoded before is of %s.", run.path, what)
    elif ranks.leads:
        log.info(
            "Resumed %s: %d of %d segments were encoded before.%s",
            run.path,
            len(before),
            header.segments,
            restart_hint(run.path, fresh),
        )
    return set() if what else set(before)


def what_changed(run: Run, stored: Header, stretches: list[Stretch]) -> str:
    """What is no longer as it was when examples were stored, in words; empty if all is.

    All the data are read again, by each rank its share; rank 0 asks the model about a few.

    Args:
        run: that would use what is stored.
        stored: header of the store.
        stretches: the examples that are stored.
    """
    parts, dataset, ranks = run.parts, run.dataset, run.ranks
    calls = bind(
        parts,
        device=run.device,
        dtype=getattr(torch, run.header.dtype),
        batch_size=run.batch_size,
    )
    total = sum(stretch.stop - stretch.start for stretch in stretches)
    with barrier(ranks):
        changes = changes_in(
            stretches[slice(*ranks.span(len(stretches)))],
            parts.model,
            dataset,
            calls.dtype,
            advance=lambda count: run.progress.advance("check", count, total),
        )
    changes = changes.over(ranks)
    if changes:
        return f"another data set: {changes.words(dataset, run.header.context)}"
    what = ""
    with barrier(ranks):
        if ranks.leads:
            with in_evaluation(parts.model, run.device, calls.dtype, parts.prior):
                what = what_model_changed(calls, parts.prior, dataset, stretches, stored)
    what = broadcast_object(what, ranks)
    return f"another model: {what}" if what else ""


def of_another_run(place: Path, what: str) -> StoreError:
    """The error of a store whose inputs are no longer what they were."""
    return StoreError(
        f"The store {place} is of {what}.", "Give another --store, or --fresh to replace it."
    )


def count_examples(header: Header, segments: set[int]) -> int:
    """How many examples some segments hold."""
    return sum(stop - start for start, stop in map(header.span, segments))
