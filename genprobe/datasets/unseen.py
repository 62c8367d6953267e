"""Data that are not at hand: a name, a number of examples and perhaps their shape.

What a model said of them was recorded, and that is all an evaluation of a record needs.
"""

import hashlib

import torch
from torch import Tensor

from genprobe.types import Dataset

UNKNOWN = torch.Size([0])
"""The shape of an example where nothing says: no values."""


def unseen(name: str, n: int, event_shape: torch.Size | None = None) -> Dataset:
    """A data set of examples without values.

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
        event_shape=UNKNOWN if event_shape is None else event_shape,
        read=read,
        fingerprint=hashlib.sha256(f"unseen {n} {name}".encode()).hexdigest(),
    )
