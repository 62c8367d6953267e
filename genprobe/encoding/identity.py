"""What the examples of a run hold, row by row: stored, read again, and compared.

A hash of each example, and of the context that it gives a conditional model, goes into the store as
``identity/x`` and ``identity/context``. Whoever would use what is stored reads all data again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.datasets.row_hashes import context_hashes, fingerprint_of, row_hashes
from genprobe.encoding.context import context_of, keywords
from genprobe.encoding.examples import in_dtype
from genprobe.errors import DataError, StoreError
from genprobe.runtime.ranks import Ranks, all_max, all_sum, barrier, broadcast_object
from genprobe.runtime.seeds import random_rows
from genprobe.store.format import EXAMPLE_HASHES
from genprobe.store.stretches import Stretch, stretches_begun
from genprobe.store.write import StoreWriter
from genprobe.types import Dataset, Model, Params

FEW = 32
"""So many examples are read twice before anything is encoded: what is random shows at once."""
SAMPLE = 512
"""So many examples are read again at the end where reading each may be expensive."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Changes:
    """How many of the examples that were read again differ from what is stored of them.

    Attributes:
        read: how many were.
        count: (2,) of which x differs, and the context.
        first: (2,) the first of those; infinite where there is none.
    """

    read: int
    count: Float64[Tensor, " 2"]
    first: Float64[Tensor, " 2"]

    def __bool__(self) -> bool:
        return bool(self.count.any())

    def over(self, ranks: Ranks) -> "Changes":
        """Those that any rank has found."""
        found = all_sum(torch.cat([torch.tensor([self.read]).double(), self.count]), ranks)
        return Changes(read=int(found[0]), count=found[1:], first=-all_max(-self.first, ranks))

    def words(self, dataset: Dataset, context: Sequence[str]) -> str:
        """What differs, as ``3 of 200 examples of digits differ, the first is example 7``."""
        which = 0 if self.count[0] else 1
        count, first = int(self.count[which]), int(self.first[which])
        has = "differs" if count == 1 else "differ"
        of = f"{count} of {self.read} examples of {dataset.name}"
        subject = of if which == 0 else f"the context ({', '.join(context)}) of {of}"
        return f"{subject} {has if which == 0 else 'differs'}, the first is example {first}"


def identity_of(given: Tensor, context: Params) -> dict[str, Int64[Tensor, "batch 2"]]:
    """The hashes of examples, by their column in a store; of what is not at hand there is none.

    Args:
        given: (batch, *event) as the data set gave them.
        context: of a conditional model, by name, each (batch, ...).
    """
    found = {"identity/x": row_hashes(given)} if given[0].numel() else {}
    named = keywords(context)
    return found | ({"identity/context": context_hashes(named)} if named else {})


def read_identity(
    model: Model, dataset: Dataset, start: int, stop: int, dtype: torch.dtype
) -> dict[str, Int64[Tensor, "batch 2"]]:
    """The hashes of examples that are read again.

    Args:
        model: that may be conditional.
        dataset: of which they are.
        start: the first.
        stop: the one after the last.
        dtype: of the run.
    """
    given = dataset.read(start, stop)
    if model.condition is None:
        return identity_of(given, {})
    x = in_dtype(dataset, given, start, dtype)
    return identity_of(given, context_of(model, dataset, x, start))


def changes_in(
    stretches: Iterable[Stretch],
    model: Model,
    dataset: Dataset,
    dtype: torch.dtype,
    *,
    rows: Tensor | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> Changes:
    """Read examples again and compare them with what is stored of them.

    Args:
        stretches: of the store.
        model: that may be conditional.
        dataset: to be read.
        dtype: of the run.
        rows: those to be read, in rising order; all by default.
        advance: called with the number of examples done.
    """
    read, count = 0, torch.zeros(2).double()
    first = torch.full((2,), torch.inf).double()
    for start, stop, stored, now in read_again(stretches, model, dataset, dtype, rows):
        read += stop - start
        for i, name in enumerate(EXAMPLE_HASHES):
            differ = rows_that_differ(stored.get(name), now.get(name))
            if len(differ):
                count[i] += len(differ)
                first[i] = min(float(first[i]), float(start + differ[0]))
        advance(stop - start)
    return Changes(read=read, count=count, first=first)


Hashes = Mapping[str, Int64[Tensor, "batch 2"]]


def read_again(
    stretches: Iterable[Stretch],
    model: Model,
    dataset: Dataset,
    dtype: torch.dtype,
    rows: Tensor | None,
) -> Iterator[tuple[int, int, Hashes, Hashes]]:
    """Stretches of examples, and their hashes by column: as stored, and as they are read now."""
    for stretch in stretches:
        spans = [(stretch.start, stretch.stop)]
        if rows is not None:
            chosen = rows[(rows >= stretch.start) & (rows < stretch.stop)].tolist()
            spans = [(row, row + 1) for row in chosen]
        whole = {name: stretch.rows(name, stretch.start, stretch.stop) for name in EXAMPLE_HASHES}
        for start, stop in spans:
            part = slice(start - stretch.start, stop - stretch.start)
            stored = {name: hashes[part] for name, hashes in whole.items() if hashes is not None}
            yield start, stop, stored, read_identity(model, dataset, start, stop, dtype)


def rows_that_differ(stored: Tensor | None, now: Tensor | None) -> Int64[Tensor, " some"]:
    """Where two columns of hashes (batch, 2) differ: everywhere, if only one is there."""
    if stored is None or now is None:
        there = stored if now is None else now
        return torch.arange(0 if there is None else len(there))
    return (stored != now).any(1).nonzero().flatten()


def require_steady(writer: StoreWriter, model: Model, dataset: Dataset, dtype: torch.dtype) -> None:
    """Check on a few examples that reading twice gives the same, and the same on every rank.

    Raises:
        DataError: if it does not.
        StoreError: if ranks differ.
    """
    ranks, seed = writer.ranks, writer.header.seed
    rows = random_rows(dataset.n, FEW, seed, "steady").tolist()
    prints: list[dict[str, str]] = []
    with barrier(ranks):
        for _ in range(2):
            each = [read_identity(model, dataset, row, row + 1, dtype) for row in rows]
            prints.append({k: fingerprint_of(one[k] for one in each) for k in each[0]})
        if prints[0] != prints[1]:
            raise changed_while_read(f"{dataset.name} gives other values each time it is read")
    leading = broadcast_object(prints[:1], ranks)
    with barrier(ranks):
        if leading != prints[:1]:
            raise StoreError(
                f"Rank {ranks.rank} and rank 0 do not have the same inputs: {dataset.name} holds "
                "other examples.",
                "Give every process the same model and the same data.",
            )


def require_unchanged(
    writer: StoreWriter, model: Model, dataset: Dataset, dtype: torch.dtype
) -> None:
    """Read the examples again once all are encoded; if they changed, no segment stays.

    Each rank reads the share of the next one, so that ranks with other data are noticed.

    Raises:
        DataError: if they changed.
    """
    ranks, header = writer.ranks, writer.header
    with barrier(ranks):
        share = Ranks((ranks.rank + 1) % ranks.size, ranks.size).span(header.segments)
        rows = random_rows(dataset.n, SAMPLE, header.seed, "again") if dataset.by_item else None
        here = changes_in(stretches_begun(writer, range(*share)), model, dataset, dtype, rows=rows)
    found = here.over(ranks)
    if found:
        writer.discard()
        with barrier(ranks):
            what = found.words(dataset, header.context)
            raise changed_while_read(f"{dataset.name} changed while it was read: {what}")


def changed_while_read(what: str) -> DataError:
    """The error of data that do not stay the same during a run."""
    return DataError(
        f"{what}. Nothing is stored.",
        "Turn off random transforms, and leave the data as they are until the run is done.",
    )


def seal(writer: StoreWriter) -> None:
    """Put the fingerprints of the data into the header, from the hashes in all segments."""
    ranks, header = writer.ranks, writer.header
    prints: dict[str, str] = {}
    with barrier(ranks):
        if ranks.leads:
            stretches = stretches_begun(writer, range(header.segments))
            for name in EXAMPLE_HASHES:
                columns = [s.rows(name, s.start, s.stop) for s in stretches]
                hashes = [column for column in columns if column is not None]
                if hashes:
                    prints[name] = fingerprint_of(hashes)
    found = broadcast_object(prints, ranks)
    writer.seal(found.get("identity/x", header.dataset_fingerprint), found.get("identity/context"))
