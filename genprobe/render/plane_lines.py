"""Lines on the rate-distortion plane: of equal ELBO, and the tangent of a model's slope."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from genprobe.render.plane import PlacedModel, Polyline, Position, Range, Window

STEPS = (1, 2, 2.5, 5, 10)
"""Round numbers between 1 and 10, of which every step of an axis is one, times a power of 10."""
COSTS = 7
"""Lines of equal ELBO at most."""


class CostLine(NamedTuple):
    """A line on which R + D, which is −ELBO, is one number.

    cost: the number.
    ends: where the line meets the left and right edge, or would.
    at_top: whether it leaves the window there, which is where its number is written.
    at_right: the same of the right edge.
    """

    cost: float
    ends: Polyline
    at_top: bool
    at_right: bool


def cost_line(cost: float, rates: Range) -> list[Position]:
    """The two ends of the line R + D = cost over a range of rates.

    >>> cost_line(90.0, (10.0, 30.0))
    [(10.0, 80.0), (30.0, 60.0)]
    """
    return [(rate, cost - rate) for rate in rates]


def equal_elbo_lines(window: Window) -> list[CostLine]:
    """The lines of equal ELBO that cross a window, at round numbers.

    Args:
        window: that is shown.

    >>> [line.cost for line in equal_elbo_lines(Window((0.0, 20.0), (60.0, 90.0)))]
    [60.0, 70.0, 80.0, 90.0, 100.0, 110.0]
    """
    (left, right), (bottom, top) = window
    return [
        CostLine(
            cost,
            cost_line(cost, window.rates),
            at_top=left <= cost - top <= right,
            at_right=bottom <= cost - right < top,
        )
        for cost in round_numbers(left + bottom, right + top, COSTS)
    ]


def round_numbers(
    low: float, high: float, most: int, steps: Sequence[float] = STEPS
) -> list[float]:
    """Multiples of a round step between two ends, the smallest step that makes no more of them.

    Args:
        low: the lower end.
        high: the upper end.
        most: steps from end to end.
        steps: that are round, from 1 to 10.

    >>> round_numbers(48.0, 112.0, 6)
    [60.0, 80.0, 100.0]
    """
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(m * power for m in steps if m * power >= least)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tangent(model: PlacedModel, half: float, lengths: tuple[float, float]) -> Polyline | None:
    """A short line through a model, along which its encoder trades R for D: dD/dR = −s.

    Args:
        model: in the middle of it.
        half: its length to each side, on paper.
        lengths: of a unit of R and of a unit of D, on paper.

    Returns:
        Its two ends; None where the slope is not known.
    """
    if model.slope is None:
        return None
    (rate, distortion), slope = model.position, model.slope
    run = half / math.hypot(lengths[0], slope * lengths[1])
    return [(rate - run, distortion + slope * run), (rate + run, distortion - slope * run)]
