"""Data sets, and how they are opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Examples that can be read by position.

    Attributes:
        name: what tables call it.
        n: number of examples.
        event_shape: shape of one example.
        read: start and stop to the examples (stop − start, *event), floating point.
        fingerprint: a hash of the content, binarisation included.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        entropy: an upper bound on the entropy H of the data in nats, where one is known.
        covariates: start and stop to what comes with the examples (labels, batches) by name, each
            (stop − start, ...), tensors or arrays of any dtype; None if nothing does. The
            fingerprint is of these too.
    """

    name: str
    n: int
    event_shape: torch.Size
    read: Callable[[int, int], Tensor]
    fingerprint: str
    binarize: str = "none"
    entropy: float | None = None
    covariates: Callable[[int, int], Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetReader:
    """How data of one kind are opened: ``idx:images.gz`` names the scheme ``idx`` outright.

    Attributes:
        scheme: the registered name.
        recognises: whether a bare path looks like this kind; reads names and bytes only.
        open: what follows the scheme (a path, or nothing) and the split to the data set.
        layered: whether a path may go on with ``::LAYER``. If none is named it is read where the
            ``training`` of the model that is evaluated says, under ``layer``.
    """

    scheme: str
    recognises: Callable[[Path], bool]
    open: Callable[[str, str | None], Dataset]
    layered: bool = False
