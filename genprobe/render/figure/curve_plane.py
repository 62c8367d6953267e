"""The curves of a sweep on the rate-distortion plane: training data, and held-out data beside."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from genprobe.analysis.regimes import ORDER, UNDETERMINED
from genprobe.render.figure.ellipse import ellipse
from genprobe.render.figure.labels import label_points, obstacles_of
from genprobe.render.figure.legend import WRAPPED, Entry, model_handle, remark
from genprobe.render.figure.plane_axes import ELLIPSES, equal_elbo, error_ellipses, frame
from genprobe.render.figure.plane_points import Point, reach, written
from genprobe.render.figure.style import COLOURS, FAINT, INK, MARKERS, marker
from genprobe.report import Report

Sides = Mapping[str, Sequence[Report]]
"""The reports by side, ``training`` and perhaps ``held-out``, from the lowest β on."""

JOINED: Mapping[str, Mapping[str, Any]] = {
    "training": {"color": INK, "linewidth": 0.9, "gid": "training"},
    "held-out": {"color": INK, "linewidth": 0.9, "linestyle": (0, (3, 2)), "gid": "held-out"},
}
PLAIN = marker("o", "white", 0.6) | {"markersize": 3.2, "zorder": 6, "gid": "held-out model"}
"""A model on held-out data, whose regime its place on the training data tells already."""
GAP: Mapping[str, Any] = {"color": FAINT, "linewidth": 0.5, "gid": "gap"}
TANGENT: Mapping[str, Any] = {
    "color": FAINT,
    "linewidth": 0.9,
    "linestyle": (0, (5, 1.5, 1, 1.5)),
    "gid": "tangent",
}
MARGIN = 0.12
"""Share of an axis that is free on each side of the curve."""
NEAR = 0.03
"""Share of both axes within which neighbours have one label."""


def draw_curves(axes: Axes, betas: Sequence[float], sides: Sides, scale: float, unit: str) -> None:
    """Everything that does not depend on where the axes come to lie.

    Args:
        axes: to draw on.
        betas: of the models.
        sides: their reports.
        scale: nats a unit.
        unit: its name.
    """
    every = [report for reports in sides.values() for report in reports]
    rates, distortions = (with_room(reach(every, name, scale)) for name in ("rate", "distortion"))
    frame(axes, (rates, distortions), unit)
    equal_elbo(axes)
    draw_tangent(axes, betas, sides["training"], scale)
    error_ellipses(axes, every, scale)
    for ends in zip(*(places(reports, scale) for reports in sides.values()), strict=True):
        if len(ends) > 1:
            axes.plot(*zip(*ends, strict=True), zorder=3, **GAP)
    for side, reports in sides.items():
        axes.plot(*zip(*places(reports, scale), strict=True), zorder=4, **JOINED[side])
        for report, place in zip(reports, places(reports, scale), strict=True):
            axes.plot(*place, **look(side, report))


def with_room(values: Sequence[float]) -> Point:
    """The range of an axis that shows every value, with room for names beside them."""
    low, high = min(values), max(values)
    margin = MARGIN * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def look(side: str, report: Report) -> Mapping[str, Any]:
    """How a model is marked: by its regime on the training data."""
    if side != "training":
        return PLAIN
    own = marker(MARKERS[report.regime.label], COLOURS[report.regime.label])
    return own | {"zorder": 7, "gid": "model"}


def places(reports: Sequence[Report], scale: float) -> list[Point]:
    """(R, D) of each model."""
    return [(r["rate"].value / scale, r["distortion"].value / scale) for r in reports]


def draw_tangent(
    axes: Axes, betas: Sequence[float], training: Sequence[Report], scale: float
) -> None:
    """The line of equal ELBO through the model of β = 1, which touches the curve there."""
    if 1.0 in betas:
        cost = sum(places(training, scale)[list(betas).index(1.0)])
        ends = np.array(axes.get_xlim())
        axes.plot(ends, cost - ends, zorder=2, scalex=False, scaley=False, **TANGENT)


def label_betas(axes: Axes, betas: Sequence[float], sides: Sides, scale: float) -> None:
    """Each β beside its place on the training data; neighbours that coincide share a label.

    Args:
        axes: laid out for good.
        betas: of the models.
        sides: their reports.
        scale: nats a unit.
    """
    points = places(sides["training"], scale)
    spans = NEAR * np.ptp([axes.get_xlim(), axes.get_ylim()], axis=1)
    groups = grouped(points, spans)
    names = [f"β = {written_range([betas[i] for i in group])}" for group in groups]
    anchors = [points[group[0]] for group in groups]
    every = [place for reports in sides.values() for place in places(reports, scale)]
    label_points(axes, names, anchors, obstacles_of(axes, every, (*JOINED, "gap", "tangent")))


def grouped(points: Sequence[Point], spans: Float64[np.ndarray, "2"]) -> list[list[int]]:
    """Positions of neighbours that lie within so much of the first of them."""
    groups: list[list[int]] = []
    for i, point in enumerate(points):
        if groups and (np.abs(np.subtract(point, points[groups[-1][0]])) < spans).all():
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def written_range(betas: Sequence[float]) -> str:
    """The first and the last, or the only one."""
    return "–".join(f"{beta:.3g}" for beta in dict.fromkeys((betas[0], betas[-1])))


def curve_entries(betas: Sequence[float], sides: Sides) -> tuple[list[Entry], list[Entry]]:
    """The two columns below the plane: the regimes, and the lines."""
    used = {report.regime.label for report in sides["training"]}
    regimes: list[Entry] = [
        (model_handle(MARKERS[name], COLOURS[name]), name)
        for name in (*ORDER, UNDETERMINED)
        if name in used
    ]
    if len(sides) > 1:
        regimes.append(remark("regimes on the training data"))
    return regimes, [*side_entries(sides), *line_entries(betas, sides)]


def side_entries(sides: Sides) -> list[Entry]:
    """The curve of each side, and the data it is on."""
    entries: list[Entry] = []
    for side, reports in sides.items():
        mark = {} if side == "training" else PLAIN
        # No line ends within N = 100: the blanks there are not breakable.
        text = f"{side}: {written(reports[0].dataset, 40)}, N\u00a0=\u00a0{reports[0].n}"
        entries.append((Line2D([], [], **{**mark, **JOINED[side]}), textwrap.fill(text, WRAPPED)))
    return entries


def line_entries(betas: Sequence[float], sides: Sides) -> list[Entry]:
    """Every other kind of line that is drawn."""
    entries: list[Entry] = []
    if len(sides) > 1:
        entries.append((Line2D([], [], **GAP), "the same model on both"))
    if 1.0 in betas:
        entries.append((Line2D([], [], **TANGENT), "ELBO of the model of β = 1"))
    if any(ellipse(report) is not None for reports in sides.values() for report in reports):
        entries.append((Ellipse((0, 0), 1, 1, **ELLIPSES), "95 % ellipse of the data error"))
    return entries
