"""Where codes carry what they carry: maps over their positions, as pictures inside the page."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genprobe.render.page.strips import strip
from genprobe.report import Report

LIGHT, DARK = (247, 250, 253), (0, 68, 120)
"""Colours of the least and of the most."""
MOST = 16
"""Maps beside each other: channels or levels."""
ACROSS = 8
"""Of them in a row."""


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Maps of one quantity beside each other, on one scale.

    Attributes:
        title: what is shown.
        label: what tells the maps apart.
        image: them beside each other, a data URI.
        count: how many they are.
        low: the least value, which is light, nats.
        high: the most, which is dark, nats.
    """

    title: str
    label: str
    image: str
    count: int
    low: float
    high: float


def heat_maps(report: Report) -> Iterator[HeatMap]:
    """The maps of a report's codes; none where they have no positions, or nothing is known of them.

    Args:
        report: of one model.
    """
    if report.tokens is not None and report.tokens.positions:
        shape = report.tokens.shape
        values = np.array(report.tokens.positions).reshape(shape or (1,))
        yield from mapped("Entropy of the codes by position", "levels", values)
    if report.grid is not None and report.grid.rate is not None:
        shape = report.grid.shape
        whole = np.array(report.grid.rate).reshape(shape[1:])
        yield from mapped("Rate by position, all channels together", "", whole)
        rates = [d.rate for d in report.dimensions]
        if len(rates) == math.prod(shape) and None not in rates and shape[0] > 1:
            each = np.array(rates, dtype=float).reshape(shape)
            yield from mapped("Rate by position in each channel", "channels", each)


def mapped(title: str, label: str, values: np.ndarray) -> Iterator[HeatMap]:
    """Maps of values over positions, at most eight in a row.

    Args:
        title: what they are.
        label: what the first axis counts, where there are more axes than two.
        values: (*positions).
    """
    if values.size < 2 or not np.isfinite(values).all():
        return
    planes = as_planes(values)
    low, high = float(planes.min()), float(planes.max())
    shown = planes[:MOST]
    for start in range(0, len(shown), ACROSS):
        part = shown[start : start + ACROSS]
        names = "" if len(planes) == 1 else row_label(label, start, len(part), len(planes))
        image = strip(coloured(part, low, high))
        yield HeatMap(title=title, label=names, image=image, count=len(part), low=low, high=high)


def row_label(label: str, start: int, count: int, of: int) -> str:
    """Which of several maps a row has.

    Example:
        >>> row_label("channels", 8, 8, 64)
        'channels 8 to 15 of 64'
    """
    return f"{label} {start} to {start + count - 1} of {of}"


def as_planes(values: np.ndarray) -> np.ndarray:
    """Values as planes (plane, height, width): a row of one axis, and the first of several counts.

    Example:
        >>> as_planes(np.zeros(5)).shape, as_planes(np.zeros((4, 7, 7))).shape
        ((1, 1, 5), (4, 7, 7))
    """
    if values.ndim <= 2:
        return values.reshape(1, -1, values.shape[-1])
    return values.reshape(-1, *values.shape[-2:])


def coloured(planes: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values (plane, height, width) as colours (plane, height, width, 3), uint8.

    Args:
        planes: of values.
        low: that is light.
        high: that is dark.
    """
    share = (planes - low) / (high - low) if high > low else np.zeros_like(planes)
    light, dark = np.array(LIGHT, float), np.array(DARK, float)
    found: np.ndarray = np.rint(light + share[..., None] * (dark - light)).astype(np.uint8)
    return found
