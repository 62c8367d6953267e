"""Data sets, and how they are opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SCHEME = "rows:"
"""What the fingerprint of data begins with whose every example was read and hashed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Examples that can be read by position.

    Attributes:
        name: what tables call it.
        n: number of examples.
        event_shape: shape of one example.
        read: start and stop to the examples (stop − start, *event), floating point.
        fingerprint: of data that are not at hand (``read`` gives no values), what tells them from
            others; else unused: data that are read are told apart by their values.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        entropy: an upper bound on the entropy H of the data in nats, where one is known.
        covariates: start and stop to what comes with the examples (labels, batches) by name, each
            (stop − start, ...), tensors or arrays of any dtype; None if nothing does.
        by_item: whether examples are read one by one, and each may be expensive: then a sample of
            them, and not all, is read again to see whether they changed while they were encoded.
        bytes: how ``read`` gives values that were bytes: ``pixels``, divided by 255, or ``counts``,
            as they were; the likelihood may yet change it. None where they were no bytes, or where
            it is settled.
        preparation: what was done to the values on their way from the file, in words: how images
            were cropped and scaled. A report's provenance has it.
    """

    name: str
    n: int
    event_shape: torch.Size
    read: Callable[[int, int], Tensor]
    fingerprint: str = ""
    binarize: str = "none"
    entropy: float | None = None
    covariates: Callable[[int, int], Mapping[str, Any]] | None = None
    by_item: bool = False
    bytes: str | None = None
    preparation: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetReader:
    """How data of one kind are opened: ``idx:images.gz`` names the scheme ``idx`` outright.

    Attributes:
        scheme: the registered name.
        recognises: whether a bare path looks like this kind; reads names and bytes only.
        open: what follows the scheme (a path, or nothing) and the split to the data set.
        layered: whether a path may go on with ``::LAYER``. If none is named it is read where the
            ``training`` of the model that is evaluated says, under ``layer``.
        named: whether the scheme alone names a data set, with no path after it.
    """

    scheme: str
    recognises: Callable[[Path], bool]
    open: Callable[[str, str | None], Dataset]
    layered: bool = False
    named: bool = False
