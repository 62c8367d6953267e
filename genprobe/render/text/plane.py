"""The rate-distortion plane in characters: a key for every model, and dots along R + D = Ĥ."""

import math
import string
import textwrap
from collections.abc import Iterator

import plotext

from genprobe.comparing.comparison import Comparison
from genprobe.render.figure.plane_points import Plane, Point, plane_of, view, written
from genprobe.render.text.rows import number, sourced
from genprobe.render.text.units import common_divisor

KEYS = string.digits[1:] + string.ascii_letters
"""Markers of the models that are named; plain ASCII, as every terminal has it."""
OTHER = "+"
DOT = "."
KEPT = "\u00a0"
"""Stands for a blank at which no line is broken."""
HEIGHT = 22
WIDTH = 80
TICKS = 6


def to_text(comparison: Comparison, unit: str = "nats", width: int = WIDTH) -> str:
    """The plane as plain text; empty where no model has a distortion.

    Args:
        comparison: of one model or several.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: characters a line.
    """
    plane = plane_of(comparison, common_divisor(comparison.reports, unit))
    if not plane.points:
        return ""
    notes = "\n".join(
        line for note in legend(plane, comparison, unit) for line in textwrap.wrap(note, width)
    )
    title = f"distortion D ({unit}) over rate R ({unit})"
    return f"{title}\n{grid(plane, width)}\n{notes.replace(KEPT, ' ')}\n"


def grid(plane: Plane, width: int) -> str:
    """The axes with a marker for every model."""
    figure = plotext.figure
    figure.clear()
    plotext.terminal.limit(False, False)
    figure.plot_size(width, HEIGHT)
    for axis, (low, high) in zip("xy", view(plane), strict=True):
        steps = ticks(low, high)
        figure.ruler(axis).lim(low, high).ticks(steps, [f"{step:g}" for step in steps])
    dots = list(entropy_dots(plane, width))
    if dots:
        figure.draw(figure.signal(*map(list, zip(*dots, strict=True)), marker=DOT))
    keys = dict(zip(plane.named, KEYS, strict=False))
    # The best are drawn last, for what is drawn later covers what lies in the same place.
    for i in sorted(range(len(plane.points)), key=lambda i: (i in keys, i in plane.frontier, -i)):
        rate, distortion = plane.points[i]
        figure.draw(figure.signal([rate], [distortion], marker=keys.get(i, OTHER)))
    text: str = figure.build().string(colorless=True)
    figure.clear()
    return "\n".join(line.rstrip() for line in text.splitlines())


def entropy_dots(plane: Plane, width: int) -> Iterator[Point]:
    """Points along R + D = Ĥ, as far as it is in view, two a character."""
    (left, right), (bottom, top) = view(plane)
    if plane.entropy is not None:
        for step in range(2 * width):
            rate = left + (right - left) * step / (2 * width)
            if bottom <= plane.entropy - rate <= top:
                yield rate, plane.entropy - rate


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends, about six of them."""
    least = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= least)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def legend(plane: Plane, comparison: Comparison, unit: str) -> Iterator[str]:
    """The names of the models, and what the dots are."""
    several, best = len(plane.points) > 1, set(plane.frontier)
    named = (
        f"{key} {written(plane.reports[i].model)}{' *' if several and i in best else ''}"
        for i, key in zip(plane.named, KEYS, strict=False)
    )
    yield "   ".join(name.replace(" ", KEPT) for name in named)
    if several:
        others = f"; {OTHER} other models" if len(plane.named) < len(plane.points) else ""
        yield f"* on the Pareto frontier{others}"
    if plane.entropy is not None:
        source = sourced(comparison.entropy_source)
        yield f"{DOT} R + D = Ĥ = {number(plane.entropy)} {unit}, {source}"
    if plane.undecoded:
        yield "without a decoder: " + ", ".join(written(r.model) for r in plane.undecoded)
