"""Hashes of examples: what tells whether two data sets, or two readings of one, hold the same.

Each example has 128 bits of xxh3 over its values in float32, or in float64 where float32 would
lose some of them. So a hash is of the values alone: an array, a tensor, a torch Dataset and a file
that hold the same have the same. That of a data set is over those of its examples in their order.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from xxhash import xxh3_128, xxh3_128_digest

from genprobe.types.dataset import SCHEME, Dataset

READ_VALUES = 1 << 22


def row_hashes(x: Tensor) -> Int64[Tensor, "batch 2"]:
    """The hash of each row of a tensor, of its values in their order and not of its shape.

    Args:
        x: (batch, ...), of any real dtype.

    Example:
        >>> single, double = torch.tensor([[0.5, 2.0]]), torch.tensor([[[0.5], [2.0]]]).double()
        >>> torch.equal(row_hashes(single), row_hashes(double))
        True
    """
    rows = x.detach().cpu().reshape(len(x), math.prod(x.shape[1:]))
    if rows.dtype != torch.float64 and rows.is_floating_point():
        return hash_bytes(rows.float().numpy().astype("<f4", copy=False))
    double, single = rows.double(), rows.float()
    fits = (single.double() == double).all(1)
    found = hash_bytes(single.numpy().astype("<f4", copy=False))
    if not fits.all():
        found[~fits] = hash_bytes(double[~fits].numpy().astype("<f8", copy=False))
    return found


def hash_bytes(rows: np.ndarray) -> Int64[Tensor, "batch 2"]:
    """The hash of the bytes of each row of an array (batch, width)."""
    width = rows.itemsize * rows.shape[1]
    content = np.ascontiguousarray(rows).data.cast("B") if rows.size else b""
    digests = b"".join(
        xxh3_128_digest(content[i * width : (i + 1) * width]) for i in range(len(rows))
    )
    return torch.from_numpy(np.frombuffer(digests, ">i8").astype(np.int64)).reshape(-1, 2)


def context_hashes(context: Mapping[str, Tensor]) -> Int64[Tensor, "batch 2"]:
    """The hash of each example's context: of all its parts, whatever dtype a run gives them.

    Args:
        context: what a conditional model is given, by name, each (batch, ...); not empty.
    """
    parts = [
        row_hashes(values.float() if values.is_floating_point() else values)
        for _, values in sorted(context.items())
    ]
    return hash_bytes(torch.cat(parts, 1).numpy().astype("<i8", copy=False))


def fingerprint_of(hashes: Iterable[Int64[Tensor, "some 2"]]) -> str:
    """The fingerprint of a data set, from the hashes of its examples, cut in any way.

    Example:
        >>> hashes = row_hashes(torch.eye(3))
        >>> fingerprint_of([hashes]) == fingerprint_of([hashes[:1], hashes[1:]])
        True
    """
    digest = xxh3_128()
    for some in hashes:
        digest.update(np.ascontiguousarray(some.numpy(), "<i8").data)
    return SCHEME + digest.hexdigest()


def data_fingerprint(dataset: Dataset) -> str:
    """The fingerprint of a data set, all of which is read; of one without values, its own.

    Example:
        >>> from genprobe.datasets.from_array import array_dataset
        >>> x = torch.eye(3)
        >>> one, other = array_dataset("a", x), array_dataset("b", x.double())
        >>> data_fingerprint(one) == data_fingerprint(other)
        True
    """
    first = dataset.read(0, 1)
    if not first.numel():
        return dataset.fingerprint
    step = max(1, READ_VALUES // first.numel())
    return fingerprint_of(
        row_hashes(dataset.read(start, min(dataset.n, start + step)))
        for start in range(0, dataset.n, step)
    )
