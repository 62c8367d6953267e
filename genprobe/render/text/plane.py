"""The rate-distortion plane in characters: a key for every model, and dots along R + D = Ĥ."""

import itertools
import string
import textwrap
from collections.abc import Iterator, Sequence

import plotext

from genprobe.comparing.comparison import Comparison
from genprobe.render.decoder_curve import DECODER, PROGRESSIVE
from genprobe.render.plane import Plane, Position, Window, plane_of
from genprobe.render.plane_labels import axis_titles, entropy_label, one_line
from genprobe.render.plane_lines import round_numbers
from genprobe.render.progressive_plane import progressive_meanings

KEYS = string.digits[1:] + string.ascii_letters
"""Markers of the models that are named; plain ASCII, as every terminal has it."""
OTHER = "+"
DOT = "."
CURVE = "~"
KNOWN = "-"
BETWEEN = 40
"""Points that stand for each stretch of a curve."""
KEPT = "\u00a0"
"""Stands for a blank at which no line is broken."""
HEIGHT = 22
WIDTH = 80
TICKS = 6
STEPS = (1, 2, 5, 10)
"""Round numbers that take few digits."""


def plane_to_text(comparison: Comparison, unit: str = "nats", width: int = WIDTH) -> str:
    """The plane as plain text; empty where no model has a distortion, nor a decoder a curve.

    Args:
        comparison: of one model or several.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: characters a line.
    """
    plane = plane_of(comparison, unit)
    if plane.empty:
        return ""
    notes = "\n".join(line for note in legend(plane) for line in textwrap.wrap(note, width))
    across, up = axis_titles(unit)
    return f"{up} over {across}\n{grid(plane, width)}\n{notes.replace(KEPT, ' ')}\n"


def grid(plane: Plane, width: int) -> str:
    """The axes with a marker for every model."""
    figure = plotext.figure
    figure.clear()
    plotext.terminal.limit(False, False)
    figure.plot_size(width, HEIGHT)
    for axis, (low, high) in zip("xy", plane.window, strict=True):
        steps = round_numbers(low, high, TICKS, STEPS)
        figure.ruler(axis).lim(low, high).ticks(steps, [f"{step:g}" for step in steps])
    dots = list(entropy_dots(plane, width))
    if dots:
        figure.draw(figure.signal(*map(list, zip(*dots, strict=True)), marker=DOT))
    for kind, marker in ((DECODER, CURVE), (PROGRESSIVE, KNOWN)):
        along = [
            at
            for curve in plane.curves
            if curve.kind == kind
            for at in in_window(curve.points, plane.window)
        ]
        if along:
            figure.draw(figure.signal(*map(list, zip(*along, strict=True)), marker=marker))
    keys = dict(zip(plane.labelled, KEYS, strict=False))
    # The best are drawn last, for what is drawn later covers what lies in the same place.
    for i in sorted(range(len(plane.models)), key=lambda i: (i in keys, i in plane.frontier, -i)):
        rate, distortion = plane.models[i].position
        figure.draw(figure.signal([rate], [distortion], marker=keys.get(i, OTHER)))
    text: str = figure.build().string(colorless=True)
    figure.clear()
    return "\n".join(line.rstrip() for line in text.splitlines())


def in_window(points: Sequence[Position], window: Window) -> Iterator[Position]:
    """Points along a line through some, as far as they are in view.

    Args:
        points: that it joins.
        window: that is shown.
    """
    (left, right), (bottom, top) = window
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        for step in range(BETWEEN):
            share = step / BETWEEN
            at = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
            if left <= at[0] <= right and bottom <= at[1] <= top:
                yield at


def entropy_dots(plane: Plane, width: int) -> Iterator[Position]:
    """Points along R + D = Ĥ, as far as it is in view, two a character."""
    (left, right), (bottom, top) = plane.window
    if plane.entropy is not None:
        for step in range(2 * width):
            rate = left + (right - left) * step / (2 * width)
            if bottom <= plane.entropy - rate <= top:
                yield rate, plane.entropy - rate


def legend(plane: Plane) -> Iterator[str]:
    """The names of the models, and what the dots are."""
    several, best = len(plane.models) > 1, set(plane.frontier)
    keyed = (
        f"{key} {one_line(plane.models[i].name)}{' *' if several and i in best else ''}"
        for i, key in zip(plane.labelled, KEYS, strict=False)
    )
    yield "   ".join(name.replace(" ", KEPT) for name in keyed)
    if several:
        others = f"; {OTHER} other models" if len(plane.labelled) < len(plane.models) else ""
        yield f"* on the Pareto frontier{others}"
    if plane.entropy is not None:
        yield f"{DOT} {entropy_label(plane)}"
    kinds = {curve.kind for curve in plane.curves}
    if DECODER in kinds:
        yield f"{CURVE} the best any encoder could reach with this decoder and prior"
    for meaning in progressive_meanings(plane.curves):
        yield f"{KNOWN} {meaning}"
    if plane.undecoded:
        yield "without a decoder: " + ", ".join(one_line(m.name) for m in plane.undecoded)
