"""What a DataLoader yields, in its order.

Sampler, batch sampler and ``drop_last`` say which examples there are. Where the items need no
collate function of the user's, they are read by position in that order, which is drawn once.
Everything else is read once, from the first batch to the last. Chance is seeded meanwhile, and put
back after it: another loader over the same data gives the same examples, so a run can be resumed.
"""

import contextlib
import copy
import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    default_collate,
    default_convert,
)

from genprobe.datasets.items import split_item
from genprobe.datasets.read_once import read_once
from genprobe.errors import DataError
from genprobe.runtime.seeds import derived_seed
from genprobe.types import Dataset as Examples

CHUNK = 256
"""Items of a stream without batches that are put together."""


def require_whole(loader: Any) -> None:
    """Check that every process has all examples: genprobe divides them itself.

    Raises:
        DataError: if the sampler gives each its own.
    """
    sampler = sampler_of(loader)
    several = torch.distributed.is_available() and torch.distributed.is_initialized()
    if several and isinstance(sampler, DistributedSampler) and sampler.num_replicas > 1:
        raise DataError(
            "The DataLoader gives each process a share of the examples.",
            "Give one without DistributedSampler; genprobe divides the examples itself.",
        )


def order_of(loader: Any) -> Sequence[Any] | None:
    """The positions that a loader reads, in order; None if its items must go through it.

    That is so if it has a collate function or an iterator of its own, if its workers are set up by
    the user, or if the positions are those of whole batches.
    """
    items = loader.dataset
    if isinstance(items, IterableDataset) or not hasattr(items, "__getitem__"):
        return None
    if has_own_iterator(loader) or not collates_by_default(loader):
        return None
    if loader.num_workers and loader.worker_init_fn is not None:
        return None
    order = list(bounded(positions(loader), length_of(loader)))
    if loader.batch_sampler is not None:
        order = list(itertools.chain.from_iterable(order))
    if any(isinstance(i, list | tuple) for i in order[:1]):
        return None
    return range(len(order)) if order == list(range(len(order))) else order


class Positions(Dataset[Any]):
    """A data set whose items are their own positions."""

    def __getitem__(self, position: Any) -> Any:
        return position


def positions(loader: Any) -> DataLoader[Any]:
    """A loader of the positions that a loader reads, in its order and batches."""
    sampled: dict[str, Any] = {"batch_sampler": loader.batch_sampler}
    if loader.batch_sampler is None:
        sampled = {"sampler": loader.sampler, "batch_size": None}
    return DataLoader(Positions(), generator=loader.generator, collate_fn=as_they_are, **sampled)


def first_size(loader: Any) -> int | None:
    """How many examples the first batch has, as far as the loader says."""
    size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None)
    lengths = (size, length_of(sampler_of(loader)))
    return None if size is None else min(length for length in lengths if length is not None)


def sampler_of(loader: Any) -> Any:
    """What says which examples a loader yields."""
    batches = loader.batch_sampler
    return loader.sampler if batches is None else getattr(batches, "sampler", batches)


def read_batches(name: str, loader: Any, input_key: str | None) -> Examples:
    """What a loader yields, read once.

    Args:
        name: what tables call it.
        loader: left as it is.
        input_key: under which key an item or batch has the input.

    Raises:
        DataError: if it has none, or does not say what is one example.
    """
    lent = copy.copy(loader)
    lent._iterator = None  # a persistent iterator is the user's
    lent.pin_memory = False
    collated = has_own_iterator(loader) or not collates_by_default(loader)
    if not collated:
        lent.collate_fn = as_they_are
    batches: Iterable[Any] = bounded(lent, length_of(loader))
    if loader.batch_sampler is None and loader.batch_size is None:
        # Where torch makes no batches, what is yielded is an item, or a batch of the user's.
        batches = iter(batches)
        first = list(itertools.islice(batches, 1))
        collated = bool(first) and is_batch(name, loader, first[0], input_key)
        batches = itertools.chain(first, batches)
        batches = batches if collated else chunked(batches, CHUNK)
    return read_once(
        name,
        batches,
        collated=collated,
        size=first_size(loader),
        known=length_of(loader) is not None,
        input_key=input_key,
    )


def is_batch(name: str, loader: Any, yielded: Any, input_key: str | None) -> bool:
    """Whether what a loader without batches yields are batches that the user made.

    Args:
        name: of the data.
        loader: without a batch sampler.
        yielded: the first thing that it yields.
        input_key: under which key it has the input.

    Raises:
        DataError: if nothing says.
    """
    if not isinstance(loader.dataset, IterableDataset):
        return isinstance(loader.sampler, BatchSampler)
    x, extra = split_item(yielded, input_key)
    axes = {getattr(v, "ndim", 0) for v in extra.values()}
    if 0 in axes:
        return False
    rows = {len(v) for v in extra.values()}
    if 1 in axes and getattr(x, "ndim", 0) > 1 and rows == {len(x)}:
        return True
    raise DataError(
        f"The DataLoader over {name} does not make batches (batch_size=None), and nothing says "
        "whether what it yields is an example or a batch.",
        "Give it a batch_size, or the data set itself if each item is an example.",
    )


def collates_by_default(loader: Any) -> bool:
    """Whether a loader only stacks its items."""
    return loader.collate_fn in (default_collate, default_convert)


def has_own_iterator(loader: Any) -> bool:
    """Whether a loader is of a class that yields what it likes."""
    return type(loader).__iter__ is not DataLoader.__iter__


def as_they_are(items: Any) -> Any:
    """A collate function that leaves items alone."""
    return items


def length_of(source: Any) -> int | None:
    """How many there are, where the source says."""
    try:
        return len(source)
    except (TypeError, NotImplementedError):
        return None


def bounded(source: Iterable[Any], length: int | None) -> Iterator[Any]:
    """No more than so many, where that is known: a stream may go on after its length."""
    return itertools.islice(source, length)


def chunked(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Items in lists of a size."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


@contextlib.contextmanager
def seeded(loader: Any, seed: int) -> Iterator[None]:
    """Seed whatever a loader draws from, and put every random state back, its own too.

    Args:
        loader: or None; a generator that the user gave it begins where it is.
        seed: the user's.
    """
    owners = [] if loader is None else [loader, loader.sampler, loader.batch_sampler]
    owners += [sampler_of(loader)] if loader is not None else []
    given = {id(g): g for owner in owners if (g := getattr(owner, "generator", None)) is not None}
    states = {key: g.get_state() for key, g in given.items()}
    python, arrays = random.getstate(), np.random.get_state()
    chance = derived_seed(seed, "loader")
    random.seed(chance)
    np.random.seed(chance % 2**32)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(chance)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
        for key, g in given.items():
            g.set_state(states[key])
