"""The curves of a sweep on the rate-distortion plane: training data, and held-out data beside."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from genprobe.render.figure.labels import label_points, obstacles_of
from genprobe.render.figure.legend import WRAPPED, Entry, model_handle, remark
from genprobe.render.figure.plane_axes import (
    ELLIPSES,
    draw_ellipses,
    draw_equal_elbo,
    draw_line,
    draw_window,
)
from genprobe.render.figure.style import COLOURS, FAINT, INK, MARKERS, marker
from genprobe.render.plane import (
    PlacedModel,
    Position,
    Range,
    Window,
    in_order,
    place_model,
)
from genprobe.render.plane_labels import beta_label, one_line
from genprobe.render.plane_lines import cost_line
from genprobe.report import Report

Curves = Mapping[str, Sequence[PlacedModel]]
"""The models by side, ``training`` and perhaps ``held-out``, from the lowest β on."""

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
CLOSE_UP = 0.12
"""Share of an axis that is free on each side of a curve."""
NEAR = 0.03
"""Share of both axes within which neighbours have one label."""


def place_curves(sides: Mapping[str, Sequence[Report]], scale: float) -> Curves:
    """The models of each side at their places.

    Args:
        sides: their reports.
        scale: nats a unit.
    """
    return {side: [place_model(r, scale) for r in reports] for side, reports in sides.items()}


def draw_curves(axes: Axes, betas: Sequence[float], curves: Curves, unit: str) -> None:
    """Everything that does not depend on where the axes come to lie.

    Args:
        axes: to draw on.
        betas: of the models.
        curves: the models of each side.
        unit: its name.
    """
    every = [model for models in curves.values() for model in models]
    window = close_up(every)
    draw_window(axes, window, unit)
    draw_equal_elbo(axes, window)
    if 1.0 in betas:  # the line of equal ELBO through its model touches the curve there
        cost = sum(curves["training"][list(betas).index(1.0)].position)
        draw_line(axes, cost_line(cost, window.rates), zorder=2, **TANGENT)
    draw_ellipses(axes, every)
    for ends in zip(*map(positions_of, curves.values()), strict=True):
        if len(ends) > 1:
            axes.plot(*zip(*ends, strict=True), zorder=3, **GAP)
    for side, models in curves.items():
        axes.plot(*zip(*positions_of(models), strict=True), zorder=4, **JOINED[side])
        for model in models:
            axes.plot(*model.position, **marker_style(side, model))


def close_up(models: Sequence[PlacedModel]) -> Window:
    """The window around the models of a curve alone, with room for labels beside them.

    Args:
        models: one at least.
    """
    return Window(
        with_margin([end for model in models for end in model.rates]),
        with_margin([end for model in models for end in model.distortions]),
    )


def with_margin(values: Sequence[float]) -> Range:
    """The range of some values with a share of it free on each side."""
    low, high = min(values), max(values)
    margin = CLOSE_UP * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def positions_of(models: Sequence[PlacedModel]) -> list[Position]:
    """(R, D) of each model."""
    return [model.position for model in models]


def marker_style(side: str, model: PlacedModel) -> Mapping[str, Any]:
    """How a model is marked: by its regime on the training data."""
    if side != "training":
        return PLAIN
    own = marker(MARKERS[model.regime], COLOURS[model.regime])
    return own | {"zorder": 7, "gid": "model"}


def label_betas(axes: Axes, betas: Sequence[float], curves: Curves) -> None:
    """Each β beside its place on the training data; neighbours that coincide share a label.

    Args:
        axes: laid out for good.
        betas: of the models.
        curves: the models of each side.
    """
    points = positions_of(curves["training"])
    spans = NEAR * np.ptp([axes.get_xlim(), axes.get_ylim()], axis=1)
    groups = grouped(points, spans)
    names = [beta_label([betas[i] for i in group]) for group in groups]
    anchors = [points[group[0]] for group in groups]
    every = [place for models in curves.values() for place in positions_of(models)]
    label_points(axes, names, anchors, obstacles_of(axes, every, (*JOINED, "gap", "tangent")))


def grouped(points: Sequence[Position], spans: Float64[np.ndarray, "2"]) -> list[list[int]]:
    """Positions of neighbours that lie within so much of the first of them."""
    groups: list[list[int]] = []
    for i, point in enumerate(points):
        if groups and (np.abs(np.subtract(point, points[groups[-1][0]])) < spans).all():
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def curve_entries(betas: Sequence[float], curves: Curves) -> tuple[list[Entry], list[Entry]]:
    """The two columns below the plane: the regimes, and the lines."""
    regimes: list[Entry] = [
        (model_handle(MARKERS[name], COLOURS[name]), name)
        for name in in_order({model.regime for model in curves["training"]})
    ]
    if len(curves) > 1:
        regimes.append(remark("regimes on the training data"))
    return regimes, [*side_entries(curves), *curve_line_entries(betas, curves)]


def side_entries(curves: Curves) -> list[Entry]:
    """The curve of each side, and the data it is on."""
    entries: list[Entry] = []
    for side, models in curves.items():
        mark = {} if side == "training" else PLAIN
        report = models[0].report
        # No line ends within N = 100: the blanks there are not breakable.
        text = f"{side}: {one_line(report.dataset, 40)}, N\u00a0=\u00a0{report.n}"
        entries.append((Line2D([], [], **{**mark, **JOINED[side]}), textwrap.fill(text, WRAPPED)))
    return entries


def curve_line_entries(betas: Sequence[float], curves: Curves) -> list[Entry]:
    """Every other kind of line that is drawn."""
    entries: list[Entry] = []
    if len(curves) > 1:
        entries.append((Line2D([], [], **GAP), "the same model on both"))
    if 1.0 in betas:
        entries.append((Line2D([], [], **TANGENT), "ELBO of the model of β = 1"))
    if any(model.ellipse is not None for models in curves.values() for model in models):
        entries.append((Ellipse((0, 0), 1, 1, **ELLIPSES), "95 % ellipse of the data error"))
    return entries
