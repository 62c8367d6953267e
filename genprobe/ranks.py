"""The processes that share an evaluation: which of how many this one is, and what they exchange.

A launcher such as torchrun starts the processes and names them in the environment;
torch.distributed carries what they tell each other. For a process alone nothing here does a thing.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from genprobe.errors import GenprobeError, OtherRankError

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
    """Join the group that the environment describes.

    torchrun keeps its key-value store when it restarts the processes, and what the last attempt
    left there would be taken for this one's. On one machine the count of restarts tells them apart;
    on several it is not the same everywhere.

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
    store, rank, size = next(rendezvous("env://"))
    if one_machine:
        store = dist.PrefixStore(f"attempt-{restarts}", store)  # type: ignore[attr-defined]
    dist.init_process_group(name, store=store, rank=rank, world_size=size, timeout=PATIENCE)


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


def own_gpu() -> torch.device:
    """The GPU of this process: the one of its local rank."""
    local = int(os.environ.get("LOCAL_RANK", "0")) if launched() else torch.cuda.current_device()
    return torch.device("cuda", local % torch.cuda.device_count())


@contextlib.contextmanager
def together(ranks: Ranks) -> Iterator[None]:
    """A stretch that every rank passes or none; all wait at its end.

    Raises:
        GenprobeError: on the first rank where one arose.
        OtherRankError: on every other rank, then.
    """
    if ranks.size == 1:
        yield
        return
    fault = None
    try:
        yield
    except GenprobeError as error:
        fault = error
    told: list[str | None] = [None] * ranks.size
    with talking():
        dist.all_gather_object(told, None if fault is None else str(fault))
    first = next((rank for rank, words in enumerate(told) if words is not None), None)
    if isinstance(fault, OtherRankError) and first == ranks.rank:
        raise GenprobeError(str(fault)) from fault  # nobody else tells it any more
    if fault is not None and first == ranks.rank:
        raise fault
    if first is not None:
        raise OtherRankError(f"Rank {first}: {told[first]}") from fault


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
