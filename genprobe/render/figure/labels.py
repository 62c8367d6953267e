"""Names beside points, none over another: greedy placement of point labels.

Each label tries places around its point, nearest first, and takes the cheapest that is free
(Christensen, Marks & Shieber 1995, "An empirical study of algorithms for point-feature label
placement"). What was placed is never moved, so no two labels overlap, and the same figure is always
drawn the same.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text

from genprobe.render.figure.style import FAINT, SMALL

Boxes = Float64[np.ndarray, "box 4"]
"""Left, bottom, right and top of each, in pixels."""

DIRECTIONS = np.deg2rad(
    [40, 0, 140, 180, -40, -140, 90, -90, 20, 160, -20, -160, 65, 115, -65, -115]
)
"""Where around its point a label would rather be: up and right first."""
RINGS = (4, 7, 11, 16, 22, 30, 40, 52, 66, 82, 100, 120, 145)
"""Distances of a label from its point, points of type."""
MARKED, CROSSED = 20.0, 3.5
"""What it costs, in rings, to cover a marker or a line."""
STRUCK = 20.0
"""What it costs, in rings, when the line to a label runs through another label."""
LEADER: Mapping[str, Any] = {
    "arrowstyle": "-",
    "linewidth": 0.4,
    "color": FAINT,
    "shrinkA": 0,
    "shrinkB": 2,
}
STEPS = 24
"""Points at which the line from a point to its label is looked at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Obstacles:
    """What labels would rather not cover, in pixels.

    Attributes:
        boxes: of markers, and of stretches of lines.
        costs: of covering each, in rings.
        frame: the box that labels stay in.
    """

    boxes: Boxes
    costs: Float64[np.ndarray, " box"]
    frame: Float64[np.ndarray, "4"]


def place_labels(
    sizes: Sequence[tuple[float, float]],
    anchors: Float64[np.ndarray, "label 2"],
    obstacles: Obstacles,
    scale: float,
) -> list[tuple[float, float] | None]:
    """The centre of each label, None where there is no room for it.

    Args:
        sizes: width and height of each, pixels.
        anchors: (label, 2) their points, pixels.
        obstacles: what is there already.
        scale: pixels a point of type.
    """
    placed, led = np.zeros((0, 4)), np.zeros((0, 2))
    centres: list[tuple[float, float] | None] = []
    for size, anchor in zip(sizes, anchors, strict=True):
        boxes, cost = candidates(size, anchor, scale)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        leaders = np.linspace(anchor, middles, STEPS)
        crossed = touching(around(leaders.reshape(-1, 2), 0), placed).any(1).reshape(STEPS, -1)
        free = within(boxes, obstacles.frame) & ~touching(boxes, placed).any(1)
        if not free.any():
            centres.append(None)
            continue
        struck = touching(boxes, around(led, 0)).any(1) | crossed.any(0)
        covered = np.where(touching(boxes, obstacles.boxes), obstacles.costs, 0.0)
        cost += covered.max(1, initial=0.0) + STRUCK * struck
        best = int(np.where(free, cost, np.inf).argmin())
        placed = np.concatenate([placed, boxes[best : best + 1]])
        led = np.concatenate([led, leaders[:, best]])
        centres.append((float(middles[best, 0]), float(middles[best, 1])))
    return centres


def label_points(
    axes: Axes,
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    obstacles: Obstacles,
    bold: Collection[int] = (),
) -> list[Annotation]:
    """Write names beside points, none over another; a name there is no room for is left out.

    Args:
        axes: laid out for good.
        names: what to write.
        points: where, in data coordinates.
        obstacles: what is there already, in pixels.
        bold: positions of the names that are written in bold.
    """
    scale = figure_of(axes).dpi / 72
    notes = [
        axes.text(0, 0, name, fontsize=SMALL, fontweight="bold" if i in bold else "normal")
        for i, name in enumerate(names)
    ]
    extents = [note.get_window_extent() for note in notes]
    anchors = axes.transData.transform(np.array(points).reshape(-1, 2))
    sizes = [(box.width + scale, box.height + scale) for box in extents]
    centres = place_labels(sizes, anchors, obstacles, scale)
    for note in notes:
        note.remove()
    return [
        led_label(axes, note, point, (np.array(centre) - anchor) / scale)
        for note, point, centre, anchor in zip(notes, points, centres, anchors, strict=True)
        if centre is not None
    ]


def obstacles_of(
    axes: Axes, points: Sequence[tuple[float, float]], lines: Collection[str]
) -> Obstacles:
    """Markers and lines that are drawn already.

    Args:
        axes: laid out for good.
        points: that have a marker, in data coordinates.
        lines: their gids.
    """
    unit = figure_of(axes).dpi / 72
    models = around(
        axes.transData.transform(np.array(points, dtype=float).reshape(-1, 2)), 3 * unit
    )
    drawn = [line for line in axes.lines if line.get_gid() in lines]
    boxes = np.concatenate([models, *(around(stretches(axes, line), unit) for line in drawn)])
    return Obstacles(
        boxes=boxes,
        costs=np.repeat([MARKED, CROSSED], [len(models), len(boxes) - len(models)]),
        frame=axes.bbox.extents + unit * np.array([2.0, 2.0, -2.0, -2.0]),
    )


def stretches(axes: Axes, line: Line2D) -> Float64[np.ndarray, "point 2"]:
    """Points along a line, in pixels, close enough that a label cannot slip between them."""
    corners = axes.transData.transform(np.stack(line.get_data(), 1))
    between = [np.linspace(a, b, 60) for a, b in itertools.pairwise(corners)]
    return np.concatenate([corners, *between])


def figure_of(axes: Axes) -> Figure:
    """The figure that axes are on, whatever part of it they are in."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def led_label(
    axes: Axes, note: Text, point: tuple[float, float], offset: Float64[np.ndarray, "2"]
) -> Annotation:
    """One name at an offset in points of type from its point, with a thin line to it."""
    return axes.annotate(
        note.get_text(),
        point,
        xytext=tuple(offset),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=note.get_fontsize(),
        fontweight=note.get_fontweight(),
        zorder=9,
        arrowprops=dict(LEADER),
    )


def candidates(
    size: tuple[float, float], anchor: Float64[np.ndarray, "2"], scale: float
) -> tuple[Boxes, Float64[np.ndarray, " box"]]:
    """Boxes around a point in order of preference, and the ring that each is on as its cost."""
    way = np.stack([np.cos(DIRECTIONS), np.sin(DIRECTIONS)], 1)
    half = np.array(size) / 2
    # The box leans on its ring: with a side where it lies across, with a corner where aslant.
    lean = np.sign(way) * half * np.minimum(1, np.abs(way) / 0.6)
    middles = anchor + np.concatenate([ring * scale * way + lean for ring in RINGS])
    rings = np.repeat(np.arange(len(RINGS), dtype=np.float64), len(way))
    return np.concatenate([middles - half, middles + half], 1), rings


def touching(a: Boxes, b: Boxes) -> Bool[np.ndarray, "a b"]:
    """Which boxes of two sets overlap."""
    overlap = (a[:, None, :2] < b[:, 2:]) & (b[:, :2] < a[:, None, 2:])
    return np.asarray(overlap.all(2))


def within(boxes: Boxes, frame: Float64[np.ndarray, "4"]) -> Bool[np.ndarray, " box"]:
    """Which boxes are wholly in the frame."""
    return np.asarray((boxes[:, :2] >= frame[:2]).all(1) & (boxes[:, 2:] <= frame[2:]).all(1))


def around(points: Float64[np.ndarray, "point 2"], radius: float) -> Boxes:
    """Squares around points."""
    return np.concatenate([points - radius, points + radius], 1)
