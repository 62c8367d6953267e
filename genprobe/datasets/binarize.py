"""Binarisation of data in [0, 1]: none, at the threshold ½, or stochastic with a seed."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from genprobe.errors import DataError
from genprobe.types import Dataset

MODES = ("none", "threshold", "stochastic")


def binarize(dataset: Dataset, mode: str, seed: int = 0) -> Dataset:
    """The data set with every value made 0 or 1, unless the mode is ``none``.

    Stochastic binarisation draws each value once, from a generator keyed by the seed and the
    example's position: the same example gets the same bits however it is read.

    Args:
        dataset: values in [0, 1].
        mode: ``none``, ``threshold`` (x > ½) or ``stochastic`` (x is the probability of a 1).
        seed: of the stochastic bits.

    Raises:
        DataError: if the mode is unknown, or (when read) a value lies outside [0, 1].
    """
    if mode not in MODES:
        raise DataError(f"There is no binarisation {mode!r}.", f"Choose one of {', '.join(MODES)}.")
    if mode == "none":
        return dataset

    def read(start: int, stop: int) -> Tensor:
        x = dataset.read(start, stop)
        if not (x.min() >= 0 and x.max() <= 1):
            raise DataError(
                f"{dataset.name} has values outside [0, 1] between examples {start} and {stop}, "
                "so it cannot be binarised.",
                "Rescale the data, or give --binarize none.",
            )
        level = 0.5 if mode == "threshold" else uniforms(x, start, seed)
        return (x > level).to(x.dtype)

    return replace(dataset, read=read, binarize=mode, bytes=None)


def uniforms(x: Tensor, start: int, seed: int) -> Tensor:
    """Uniform draws shaped like x (batch, *event), each row from its own counter-based stream."""
    rows = [
        np.random.Generator(
            np.random.Philox(key=np.array([seed % 2**64, start + i], np.uint64))
        ).random(x[0].numel())
        for i in range(len(x))
    ]
    return torch.from_numpy(np.stack(rows)).reshape(x.shape)
