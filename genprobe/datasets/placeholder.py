"""A placeholder data set: a name, a number of examples and perhaps their shape, but no values.

It stands for data that are not at hand. A file of posteriors needs no more: what the model gave for
each example is in it.
"""

import hashlib

import torch
from torch import Tensor

from genprobe.types import Dataset

UNKNOWN_SHAPE = torch.Size([0])
"""The shape of an example where nothing says: no values."""


def placeholder_dataset(name: str, n: int, event_shape: torch.Size | None = None) -> Dataset:
    """A placeholder for data that are not at hand.

    Two of the same name and length count as the same data.

    Args:
        name: what tables call it.
        n: number of examples.
        event_shape: shape of one example, where it is known.
    """

    def read(start: int, stop: int) -> Tensor:
        return torch.empty(stop - start, 0)

    return Dataset(
        name=name,
        n=n,
        event_shape=UNKNOWN_SHAPE if event_shape is None else event_shape,
        read=read,
        fingerprint=hashlib.sha256(f"unseen {n} {name}".encode()).hexdigest(),
    )
