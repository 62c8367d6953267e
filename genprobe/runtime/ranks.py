"""The processes that share an evaluation: their ranks, barriers, and what they exchange.

A launcher such as torchrun starts the processes and names them in the environment;
torch.distributed carries the messages. For a single process everything here does nothing.
"""

import contextlib
import functools
import itertools
import os
import sys
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

TIMEOUT = timedelta(days=1)
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
        """Whether this is the leader: it holds the lock, makes the report and prints."""
        return self.rank == 0

    def span(self, count: int) -> tuple[int, int]:
        """The first of so many things that is this rank's, and the one after its last."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size


ALONE = Ranks(0, 1)


def launched() -> bool:
    """Whether a launcher started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextlib.contextmanager
def process_group(device: str) -> Iterator[Ranks]:
    """This process's place in the group, which is left at the end if it was joined here.

    Args:
        device: that the model will run on, as the user named it.
    """
    if not launched():
        yield ALONE
        return
    ours = not dist.is_initialized()
    if ours:
        with explain_lost_ranks():
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
    store, rank, size = rendezvous_store()
    attempt = f"attempt-{restarts}/" if one_machine else ""
    store = dist.PrefixStore(f"{attempt}group-{next(GROUPS)}", store)  # type: ignore[attr-defined]
    with stdout_to_stderr():  # Gloo of torch 2.9 says there who is connected
        dist.init_process_group(name, store=store, rank=rank, world_size=size, timeout=TIMEOUT)


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Let what libraries print on standard output go where nobody reads results."""
    if sys.stdout is None:  # closed from the beginning: there are no results to keep apart
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


GROUPS = itertools.count()
"""Numbers the groups that this process joins, as every other rank numbers them."""


@functools.cache
def rendezvous_store() -> tuple[Any, int, int]:
    """The key-value store that the environment names, this rank, and how many there are.

    Kept for good: where rank 0 itself serves it, closing it and opening it again would be a race.
    """
    store, rank, size = next(rendezvous("env://"))
    return store, rank, size


@contextlib.contextmanager
def explain_lost_ranks() -> Iterator[None]:
    """Turn a failure between processes into one clear line.

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
def barrier(ranks: Ranks) -> Iterator[None]:
    """A block that all ranks leave together: each waits at its end for the others.

    An exception on one rank is raised on all, so whatever one rank alone may fail at belongs in
    such a block. Only what is no ``Exception``, such as Ctrl-C, leaves at once: a process that
    ends, ends the others.

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
    reported: list[Any] = [None] * ranks.size
    with explain_lost_ranks():
        dist.all_gather_object(
            reported, None if fault is None else describe_fault(fault, ranks.rank)
        )
    faults = [one for one in reported if one is not None]
    if not faults:
        return
    _, first, words = min(faults)
    what, _, remedy = words.partition("\n")
    if fault is None or first != ranks.rank:
        raise OtherRankError(f"Rank {first}: {what}", remedy) from fault
    if isinstance(fault, OtherRankError):
        raise GenprobeError(what, remedy) from fault  # no other rank reports it any more
    raise fault


def describe_fault(fault: Exception, rank: int) -> tuple[bool, int, str]:
    """A fault as the other ranks get it: whether it is another rank's, whose, and its words."""
    known = isinstance(fault, GenprobeError)
    words = str(fault) if known else f"{type(fault).__name__}: {reason_of(fault)}"
    return isinstance(fault, OtherRankError), rank, words


def broadcast_object(thing: T, ranks: Ranks) -> T:
    """Rank 0's object on every rank; it is pickled on the way."""
    if ranks.size == 1:
        return thing
    box: list[Any] = [thing]
    with explain_lost_ranks():
        dist.broadcast_object_list(box, 0)
    found: T = box[0]
    return found


def broadcast(values: Tensor, ranks: Ranks) -> Tensor:
    """Rank 0's values, on every rank; shapes and dtypes must agree already."""
    if ranks.size > 1:
        values = values.contiguous()
        with explain_lost_ranks():
            dist.broadcast(values, 0)
    return values


def all_sum(values: Tensor, ranks: Ranks) -> Tensor:
    """The sum over ranks, entry by entry."""
    if ranks.size == 1:
        return values
    values = values.clone(memory_format=torch.contiguous_format)
    with explain_lost_ranks():
        dist.all_reduce(values, dist.ReduceOp.SUM)
    return values


def all_max(values: Tensor, ranks: Ranks) -> Tensor:
    """The largest over ranks, entry by entry; NaN where any rank has NaN."""
    if ranks.size == 1:
        return values
    lost = all_sum(values.isnan().double(), ranks) > 0  # a maximum with NaN is not defined there
    values = values.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).contiguous()
    with explain_lost_ranks():
        dist.all_reduce(values, dist.ReduceOp.MAX)
    return values.where(~lost, torch.nan)
