"""Bytes: levels of grey that are divided by 255, or counts that are taken as they are.

One rule for arrays, tensors, torch Datasets and files. Bytes are ``pixels``, divided by 255, unless
all of them are 0 or 1, or the likelihood is of whole numbers; then they are ``counts``. Whoever
opens the data may say otherwise.
"""

import logging
from dataclasses import replace

import torch
from torch import Tensor

from genprobe.errors import DataError, SupportError, UsageError
from genprobe.types import Dataset, Likelihood

log = logging.getLogger("genprobe")

MODES = ("pixels", "counts")
WHITE = 255.0
DARK = 64
"""Images in which no byte is as large as this are rare; counts are not."""
ROWS = 256
"""Examples that are read at once to look at their bytes."""
MEANING = {"pixels": "divided by 255", "counts": "taken as they are"}


def bytes_by_default(dataset: Dataset) -> Dataset:
    """A data set of bytes by the rule, as far as the data alone decide.

    Args:
        dataset: whose ``read`` gives bytes as they are, in floating point.
    """
    counts = replace(dataset, bytes="counts")
    if only_bits(dataset):
        return counts
    return as_pixels(counts)


def only_bits(dataset: Dataset) -> bool:
    """Whether every byte is 0 or 1; reads no further than the first that is not."""
    starts = range(0, dataset.n, ROWS)
    return all(bool((dataset.read(i, min(i + ROWS, dataset.n)) <= 1).all()) for i in starts)


def as_pixels(dataset: Dataset) -> Dataset:
    """Bytes that are read as they are, divided by 255."""

    def read(start: int, stop: int) -> Tensor:
        return dataset.read(start, stop) / WHITE

    return replace(dataset, read=read, bytes="pixels")


def as_counts(dataset: Dataset) -> Dataset:
    """Bytes that are divided by 255, as they were."""

    def read(start: int, stop: int) -> Tensor:
        return (dataset.read(start, stop) * WHITE).round()

    return replace(dataset, read=read, bytes="counts")


def read_bytes_as(
    dataset: Dataset, mode: str | None = None, likelihood: Likelihood | None = None
) -> Dataset:
    """The data set with its bytes read as the user says, else by the rule; the log says how.

    Args:
        dataset: any; without bytes it is returned as it is.
        mode: ``pixels`` or ``counts``; None for the rule.
        likelihood: of the model that is to be evaluated on them, if there is one.

    Raises:
        UsageError: if there is no such mode.
        DataError: if a mode is given and the values are no bytes.

    Example:
        >>> import numpy
        >>> from genprobe.datasets import array_dataset
        >>> grey = array_dataset("grey", numpy.full((3, 2), 255, dtype="uint8"))
        >>> read_bytes_as(grey, "counts").read(0, 1).tolist()
        [[255.0, 255.0]]
    """
    if mode is not None and mode not in MODES:
        raise UsageError(f"Bytes are read as {' or '.join(MODES)}, not as {mode!r}.")
    if dataset.bytes is None:
        if mode is None:
            return dataset
        raise DataError(
            f"{dataset.name} holds no bytes (uint8), or it was said before how to read them.",
            f"Leave out --bytes {mode}; scale other values yourself.",
        )
    counted = likelihood is not None and of_whole_numbers(likelihood, dataset.event_shape)
    wanted = mode or ("counts" if counted else dataset.bytes)
    found = dataset
    if wanted != dataset.bytes:
        found = as_counts(dataset) if wanted == "counts" else as_pixels(dataset)
    state(found, mode, likelihood.name if counted and likelihood is not None else None)
    return found if mode is None else replace(found, bytes=None)


def state(dataset: Dataset, mode: str | None, counted_by: str | None) -> None:
    """Say in the log how bytes are read and why, and warn of counts that may be taken for pixels.

    Args:
        dataset: resolved.
        mode: that the user gave.
        counted_by: the likelihood that is of whole numbers, if it is why.
    """
    found = str(dataset.bytes)
    reason = "as was asked" if mode else "which is the rule for bytes"
    if mode is None and found == "counts":
        reason = f"for {counted_by}" if counted_by else "since all are 0 or 1"
    other = "pixels" if found == "counts" else "counts"
    log.info(
        "%s holds bytes; they are %s (%s), %s. --bytes %s reads them otherwise.",
        dataset.name,
        found,
        MEANING[found],
        reason,
        other,
    )
    if mode is None and found == "pixels":
        some = min(ROWS, dataset.n)
        largest = round(float(dataset.read(0, some).max()) * WHITE)
        if largest < DARK:
            log.warning(
                "The largest byte in the first %d examples of %s is %d, and is divided by 255. "
                "If they are no levels of grey, give --bytes counts.",
                some,
                dataset.name,
                largest,
            )


def of_whole_numbers(likelihood: Likelihood, event_shape: torch.Size) -> bool:
    """Whether a likelihood is defined for 1 and not for 1/255: of counts or of classes."""
    one = torch.ones(1, *event_shape)
    return defined(likelihood, one) and not defined(likelihood, one / WHITE)


def defined(likelihood: Likelihood, x: Tensor) -> bool:
    """Whether a likelihood is defined for an example x (1, *event)."""
    try:
        likelihood.support(x)
    except SupportError:
        return False
    except Exception:  # a fault of the likelihood is told where it is used
        return True
    return True
