"""The processes that share an evaluation: which of how many this one is, and what they exchange.

A launcher such as torchrun starts the processes and names them in the environment;
torch.distributed carries what they tell each other. For a process alone nothing here does a thing.
"""

import contextlib
import functools
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from genprobe.errors import GenprobeError, OtherRankError, reason_of

T = TypeVar("T")

PATIENCE = timedelta(days=1)
"""How long a rank waits for the others: rank 0 may fit and print for long. Where a process dies,
the launcher ends the rest at once."""


@dataclass(frozen=True)
class Ranks:
    """Which process of how many this is.

    Attributes:
        rank: from 0 to size − 1.
        size: how many processes there are.
    """

    rank: int
    size: int

    @property
    def leads(self) -> bool:
        """Whether this is the rank that keeps the lock, makes the report and prints."""
        return self.rank == 0

    def span(self, count: int) -> tuple[int, int]:
        """The first of so many things that is this rank's, and the one after its last."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size


ALONE = Ranks(0, 1)


def launched() -> bool:
    """Whether a launcher started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextlib.contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """This process's place in the group, which is left at the end if it was joined here.

    Args:
        device: that the model will run on, as the user named it.
    """
    if not launched():
        yield ALONE
        return
    ours = not dist.is_initialized()
    if ours:
        with talking():
            join_group(backend(device))
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        if ours:
            dist.destroy_process_group()


def join_group(name: str) -> None:
    """Join the group that the environment describes, for the first time or again.

    torchrun keeps its key-value store when it restarts the processes, and what the last attempt
    left there would be taken for this one's. On one machine the count of restarts tells them apart;
    on several it is not the same everywhere. What an earlier group of the same processes left there
    is told apart by a count of the groups, which is.

    Raises:
        GenprobeError: if the store would hold the last attempt's addresses.
    """
    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    one_machine = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
    if restarts and not one_machine and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        raise GenprobeError(
            "torchrun restarted this group with the addresses of the last attempt.",
            "Set TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 for torchrun on every machine, and run again "
            "to resume.",
        )
    store, rank, size = meeting_place()
    attempt = f"attempt-{restarts}/" if one_machine else ""
    store = dist.PrefixStore(f"{attempt}group-{next(GROUPS)}", store)  # type: ignore[attr-defined]
    dist.init_process_group(name, store=store, rank=rank, world_size=size, timeout=PATIENCE)


GROUPS = itertools.count()
"""Numbers the groups that this process joins, as every other rank numbers them."""


@functools.cache
def meeting_place() -> tuple[Any, int, int]:
    """The key-value store that the environment names, this rank, and how many there are.

    Kept for good: where rank 0 itself serves it, closing it and opening it again would be a race.
    """
    store, rank, size = next(rendezvous("env://"))
    return store, rank, size


@contextlib.contextmanager
def talking() -> Iterator[None]:
    """Turn what fails between processes into one clear line.

    Raises:
        GenprobeError: if another rank is gone.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition(". ")[0]
        raise GenprobeError(
            f"This rank lost the others: {reason}", "See what they said, and run again to resume."
        ) from error


def backend(device: str) -> str:
    """NCCL for what is on a GPU, Gloo for the rest: the sums of a pass are in main memory."""
    gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    return "cpu:gloo,cuda:nccl" if gpu else "gloo"


@contextlib.contextmanager
def together(ranks: Ranks) -> Iterator[None]:
    """A stretch that every rank passes or none; all wait at its end.

    Any exception is told, so whatever one rank alone may fail at belongs in such a stretch. Only
    what is no ``Exception``, such as Ctrl-C, leaves at once: a process that ends, ends the others.

    Raises:
        Exception: what arose, on the first rank where something did.
        OtherRankError: on every other rank, then; from what arose there, if something did.
    """
    if ranks.size == 1:
        yield
        return
    fault = None
    try:
        yield
    except Exception as error:
        fault = error
    told: list[Any] = [None] * ranks.size
    with talking():
        dist.all_gather_object(told, None if fault is None else told_of(fault, ranks.rank))
    faults = [one for one in told if one is not None]
    if not faults:
        return
    _, first, words = min(faults)
    if fault is None or first != ranks.rank:
        raise OtherRankError(f"Rank {first}: {words}") from fault
    if isinstance(fault, OtherRankError):
        raise GenprobeError(words) from fault  # nobody else tells it any more
    raise fault


def told_of(fault: Exception, rank: int) -> tuple[bool, int, str]:
    """What the others are told: whether it is from another rank itself, by whom, and its words."""
    known = isinstance(fault, GenprobeError)
    words = str(fault) if known else f"{type(fault).__name__}: {reason_of(fault)}"
    return isinstance(fault, OtherRankError), rank, words


def from_leader(thing: T, ranks: Ranks) -> T:
    """What rank 0 passed, on every rank; it is pickled on the way."""
    if ranks.size == 1:
        return thing
    box: list[Any] = [thing]
    with talking():
        dist.broadcast_object_list(box, 0)
    found: T = box[0]
    return found


def same(values: Tensor, ranks: Ranks) -> Tensor:
    """Rank 0's values, on every rank; shapes and dtypes must agree already."""
    if ranks.size > 1:
        values = values.contiguous()
        with talking():
            dist.broadcast(values, 0)
    return values


def all_sum(values: Tensor, ranks: Ranks) -> Tensor:
    """The sum over ranks, entry by entry."""
    if ranks.size == 1:
        return values
    values = values.clone(memory_format=torch.contiguous_format)
    with talking():
        dist.all_reduce(values, dist.ReduceOp.SUM)
    return values


def all_max(values: Tensor, ranks: Ranks) -> Tensor:
    """The largest over ranks, entry by entry; NaN where any rank has NaN."""
    if ranks.size == 1:
        return values
    lost = all_sum(values.isnan().double(), ranks) > 0  # a maximum with NaN is not defined there
    values = values.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).contiguous()
    with talking():
        dist.all_reduce(values, dist.ReduceOp.MAX)
    return values.where(~lost, torch.nan)
