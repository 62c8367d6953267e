"""The rate-distortion plane as plotly draws it: traces and layout as plain types, in nats.

The page's script divides by the unit, hides models and draws the lines of equal ELBO and the hull
of the models that are shown.
Nothing here needs plotly: the page carries the library itself.
"""

import html
from collections.abc import Mapping
from typing import Any

from genprobe.render.decoder_curve import PROGRESSIVE, PlaneCurve
from genprobe.render.palette import COLOURS, MARKERS
from genprobe.render.plane import PlacedModel, Plane, Polyline, Window, regions_within
from genprobe.render.plane_labels import NAMED
from genprobe.render.plane_lines import cost_line, tangent
from genprobe.render.text.headings import COLUMNS, SPELT
from genprobe.render.text.rows import short_verdict
from genprobe.report import Report

Figure = Mapping[str, Any]

GLYPHS = {
    "triangle-down": "▼",
    "square": "■",
    "circle": "●",
    "pentagon": "⬟",
    "diamond": "◆",
    "triangle-up": "▲",
    "x": "✖",
}
"""The symbols as text, for the key beside the plane."""

CROWD = 40
"""With more models than this only their points are drawn, without ellipses and slopes."""
WIDE, HIGH = 0.013, 0.035
"""Of a character of a name and of a line, as shares of the plane."""
TICK = 0.06
"""Length of a slope tick to each side, as a share of the plane."""
LOOK = {
    "showlegend": False,
    "hovermode": "closest",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "hoverlabel": {"align": "left", "bgcolor": "#ffffff", "font": {"color": "#1f2328"}},
}
"""What every plot of the page looks like."""
INK, FAINT = "--ink", "--muted"
"""Properties of the page's style, which the script looks up: they differ in the dark."""


def plotly_figure(plane: Plane) -> Figure | None:
    """The plane of every model that has a place on it; None if none has.

    Args:
        plane: of the models, in nats.

    Returns:
        ``data`` and ``layout`` of plotly, lengths in nats. A trace's ``meta`` says which model it
        belongs to (None for none) and the rows of its hover text.
    """
    if plane.empty:
        return None
    window = plane.window
    traces: list[dict[str, Any] | None] = [*reference_lines(plane, window)]
    if len(plane.models) + len(plane.undecoded) <= CROWD:
        for model in plane.models:
            traces += [outline(model), slope_tick(model, window)]
    for curve in plane.curves:
        traces += curve_traces(curve)
    named = named_models(plane, window)
    traces += [model_marker(m, i in named, window) for i, m in enumerate(plane.models)]
    return {
        "data": [trace for trace in traces if trace is not None],
        "layout": plotly_layout(window, shading(plane, window)),
    }


def named_models(plane: Plane, window: Window) -> set[int]:
    """Positions of the models whose names stand on the plane, none over another.

    All have one, or of many the frontier; of a long frontier the convex part, and where that is
    long too the best model. The best comes first, then the frontier.

    Args:
        plane: of the models.
        window: that is shown at first.
    """
    best = [i for i, model in enumerate(plane.models) if model.name == plane.best]
    ways = (range(len(plane.models)), plane.frontier, plane.hull, best)
    wanted = next(way for way in ways if len(way) <= NAMED)
    found: list[int] = []
    for i in sorted(wanted, key=lambda i: (i not in best, i not in plane.frontier, i)):
        if not any(covers(plane.models[i], plane.models[other], window) for other in found):
            found.append(i)
    return set(found)


def covers(one: PlacedModel, other: PlacedModel, window: Window) -> bool:
    """Whether the names of two models would lie over each other."""
    near = [
        abs(a - b) / (high - low)
        for a, b, (low, high) in zip(one.position, other.position, window, strict=True)
    ]
    return near[0] < WIDE * max(len(one.name), len(other.name)) and near[1] < HIGH


def model_marker(model: PlacedModel, named: bool, window: Window) -> dict[str, Any]:
    """A model's marker, its name towards the middle, with every number under the pointer."""
    (rate, distortion), (left, right) = model.position, window.rates
    return {
        "type": "scatter",
        "mode": "markers+text" if named else "markers",
        "x": [rate],
        "y": [distortion],
        "text": [neutral(model.name)],
        "textposition": "top left" if rate > (left + 3 * right) / 4 else "top right",
        "cliponaxis": False,
        "marker": {
            "color": model.colour,
            "symbol": MARKERS[model.regime],
            "size": 12,
            "line": {"width": 1.5, "color": INK},
        },
        "hoverinfo": "text",
        "meta": {
            "model": model.index,
            "title": neutral(model.name),
            "rows": hover(model.report),
        },
    }


def hover(report: Report) -> list[list[Any]]:
    """Name, nats and ± of what the pointer shows; a row without a number stands as it is."""
    found: list[list[Any]] = [
        [label, report[name].value, report[name].se_data]
        for name, label in COLUMNS.items()
        if name in report.estimates
    ]
    if "slope" in report.estimates:
        found.append([f"slope {report['slope'].value:.3f}", None, None])
    return [*found, [neutral(short_verdict(report)), None, None]]


def neutral(text: str) -> str:
    """Text in which plotly finds no tags: it reads <b> and <a href> in any label."""
    return html.escape(" ".join(text.split()), quote=False)


def outline(model: PlacedModel) -> dict[str, Any] | None:
    """The 95 % ellipse around a model; None where it is not known."""
    if model.ellipse is None:
        return None
    corners = [*model.ellipse, model.ellipse[0]]
    style = line_trace(corners, width=1, color=model.colour)
    return {**style, "fill": "toself", "meta": {"model": model.index}}


def slope_tick(model: PlacedModel, window: Window) -> dict[str, Any] | None:
    """A short tangent of the model's operating slope; None where that is unknown."""
    (left, right), (bottom, top) = window
    ends = tangent(model, TICK, (1 / (right - left), 1 / (top - bottom)))
    if ends is None:
        return None
    style = line_trace(ends, width=2, color=model.colour)
    return {**style, "meta": {"model": model.index}}


def curve_traces(curve: PlaneCurve) -> list[dict[str, Any]]:
    """A decoder's curve, and an arrow to it from its model; or a chain's."""
    meta = {"model": curve.index}
    dash = {"dash": "dash"} if curve.kind == PROGRESSIVE else {}
    line = {**line_trace(curve.line, width=2, color=curve.colour, **dash), "meta": meta}
    points = {
        **line_trace(curve.points),
        "mode": "markers",
        "marker": {"size": 5, "color": curve.colour},
        "meta": meta,
    }
    if curve.gap is None:
        return [line, points]
    head = {"symbol": "arrow", "size": [0, 10], "angleref": "previous", "color": curve.colour}
    arrow = line_trace(curve.gap, width=1.5, color=curve.colour)
    return [line, points, {**arrow, "mode": "lines+markers", "marker": head, "meta": meta}]


def line_trace(points: Polyline, **style: Any) -> dict[str, Any]:
    """A line that does not answer to the pointer."""
    x, y = ([point[axis] for point in points] for axis in (0, 1))
    style["simplify"] = False
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": style, "hoverinfo": "skip"}


def reference_lines(plane: Plane, window: Window) -> list[dict[str, Any]]:
    """The place of the lines of equal ELBO, the line of Ĥ, and the place of the hull.

    The script draws what has a place alone: these lines are at round numbers of the unit, and the
    hull is of the models shown. Each kind looks as it does in ``plane_axes``.
    """
    found = [placeholder("elbo", width=1, dash="dot", color=FAINT)]
    if plane.entropy is not None:
        left, right = window.rates
        wide = (left - 2 * (right - left), right + 2 * (right - left))  # there is more to zoom to
        style = line_trace(cost_line(plane.entropy, wide), width=2, dash="dash", color=INK)
        found.append({**style, "meta": {"model": None}})
    return [*found, placeholder("hull", width=1.5, color=FAINT)]


def placeholder(kind: str, **style: Any) -> dict[str, Any]:
    """A line of no model that the script draws."""
    return {**line_trace([], **style), "meta": {"model": None, kind: True}}


def shading(plane: Plane, window: Window) -> list[dict[str, Any]]:
    """The regimes that position alone tells, as tinted rectangles; none without Ĥ."""
    far = 5 * max(window.rates[1], window.distortions[1], plane.entropy or 0.0)
    return [
        {
            "type": "rect",
            "layer": "below",
            "line": {"width": 0},
            "fillcolor": COLOURS[region.label],
            "opacity": 0.13,
            **dict(zip(("x0", "x1", "y0", "y1"), region.rate + region.distortion, strict=True)),
        }
        for region in regions_within(plane, Window((-far, far), (-far, far)))
    ]


def plotly_layout(window: Window, shapes: list[dict[str, Any]]) -> dict[str, Any]:
    """The axes; UNIT in their titles is what the script replaces."""
    axis = {"zeroline": False, "ticks": "outside", "showgrid": False, "linecolor": "#8b939e"}
    across, up = (f"{SPELT[name]}, UNIT" for name in ("rate", "distortion"))
    return {
        "xaxis": {**axis, "title": {"text": across}, "range": list(window.rates)},
        "yaxis": {**axis, "title": {"text": up}, "range": list(window.distortions)},
        "shapes": shapes,
        "margin": {"l": 60, "r": 48, "t": 26, "b": 48},
        **LOOK,
    }
