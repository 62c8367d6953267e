"""How many pixels an example has, so that codes of any shape compare; without torch.

A pixel is a place of the image with all its channels: one of a colour image is one, not three. So
bits a pixel are three times the bits/dim of a colour image, and of a grey one the same.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genprobe.report import Report

CHANNELS = (1, 3, 4)
"""Lengths of the axis of an image that is not of pixels."""


def pixels_of(event_shape: Sequence[int]) -> int | None:
    """How many pixels an example has; of what is no image, how many values; None if unknown.

    Example:
        >>> pixels_of((3, 32, 32)), pixels_of((28, 28)), pixels_of((784,)), pixels_of((0,))
        (1024, 784, 784, None)
    """
    values = math.prod(event_shape)
    if not values:
        return None
    ends = {event_shape[0], event_shape[-1]} & set(CHANNELS) if len(event_shape) == 3 else set()
    return values // min(ends) if ends else values


def pixels_in(report: "Report") -> int | None:
    """How many pixels an example of a report's data has; None if unknown."""
    return pixels_of(report.provenance.get("event_shape") or (0,))
