"""A fixed random subset of a data set, held in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.runtime.seeds import random_rows
from genprobe.types import Dataset


def subset(dataset: Dataset, n: int, seed: int = 0) -> Dataset:
    """So many examples of a data set, taken without replacement, in their order.

    Args:
        dataset: to be taken from; returned as it is if it has no more.
        n: how many.
        seed: decides which; the name says it, unless it is 0.
    """
    if n >= dataset.n:
        return dataset
    rows = chosen_rows(dataset, n, seed).tolist()
    x = torch.cat([dataset.read(row, row + 1) for row in rows])
    covariates = dataset.covariates
    chosen = {}
    if covariates is not None:
        each = [covariates(row, row + 1) for row in rows]
        chosen = {k: joined([one[k] for one in each]) for k in each[0]}
    return Dataset(
        name=f"{n} of {dataset.name}{f', seed {seed}' if seed else ''}",
        n=n,
        event_shape=dataset.event_shape,
        read=lambda start, stop: x[start:stop],
        binarize=dataset.binarize,
        entropy=dataset.entropy,
        bytes=dataset.bytes,
        preparation=dataset.preparation,
        covariates=covariates and (lambda a, b: {k: v[a:b] for k, v in chosen.items()}),
    )


def chosen_rows(dataset: Dataset, n: int, seed: int = 0) -> Tensor:
    """Which examples (n,) ``subset`` takes, in their order; all where it takes all."""
    return random_rows(dataset.n, n, seed, "subset")


def joined(parts: Sequence[Any]) -> Any:
    """Rows of a covariate, one after the other: numbers as a tensor, text as an array."""
    if isinstance(parts[0], np.ndarray) and parts[0].dtype.kind not in "biuf":
        return np.concatenate(parts)
    return torch.cat([torch.as_tensor(part) for part in parts])
