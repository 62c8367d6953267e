"""Grey images for a model of colour: the one channel is repeated."""

import logging
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genprobe.types import Dataset

log = logging.getLogger("genprobe")


def with_channels(dataset: Dataset, channels: Any) -> Dataset:
    """Grey images, (height, width) or (1, height, width), with as many channels as a model takes.

    Anything else is left as it is.

    Args:
        dataset: of any examples.
        channels: that the model takes; None where it does not say.

    >>> from genprobe.datasets import array_dataset
    >>> grey = array_dataset("grey", torch.rand(5, 8, 8))
    >>> with_channels(grey, 3).event_shape, with_channels(grey, None).event_shape
    (torch.Size([3, 8, 8]), torch.Size([8, 8]))
    """
    shape = dataset.event_shape
    grey = len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)
    if not grey or channels is None or channels == shape[0] == 1:
        return dataset
    size = (channels, *shape[-2:])
    if channels > 1:
        log.warning(
            "%s is grey: its channel is repeated %d times, and the distortion counts each.",
            dataset.name,
            channels,
        )

    def read(start: int, stop: int) -> Tensor:
        return dataset.read(start, stop).reshape(-1, 1, *size[1:]).expand(-1, *size).contiguous()

    return replace(dataset, event_shape=torch.Size(size), read=read)
