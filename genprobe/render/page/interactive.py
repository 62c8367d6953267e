"""The rate-distortion plane as plotly draws it: traces and layout as plain types, in nats.

The page's script divides by the unit, hides models and draws the lines of equal ELBO and the hull
of the models that are shown.
Nothing here needs plotly: the page carries the library itself.
"""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from genprobe.analysis.regimes import (
    AUTODECODER,
    AUTOENCODER,
    SEMANTIC_DECODER,
    SEMANTIC_ENCODER,
    SYNTACTIC_ENCODER,
    UNDETERMINED,
    Region,
    regions,
)
from genprobe.comparing.comparison import Comparison
from genprobe.render.figure.ellipse import ellipse
from genprobe.render.palette import COLOURS
from genprobe.render.text.headings import COLUMNS
from genprobe.render.text.rows import short_verdict
from genprobe.report import Report

Figure = Mapping[str, Any]

SYMBOLS = {
    AUTODECODER: "triangle-down",
    SEMANTIC_DECODER: "square",
    SEMANTIC_ENCODER: "circle",
    SYNTACTIC_ENCODER: "diamond",
    AUTOENCODER: "triangle-up",
    UNDETERMINED: "x",
}

GLYPHS = {
    "triangle-down": "▼",
    "square": "■",
    "circle": "●",
    "diamond": "◆",
    "triangle-up": "▲",
    "x": "✖",
}
"""The symbols as text, for the key beside the plane."""

NAMED = 12
"""With more models than this on the plane, names show only under the pointer."""
CROWD = 40
"""With more models than this only their points are drawn, without ellipses and slopes."""
MARGIN = 0.08
TICK = 0.06
"""Length of a slope tick to each side, as a share of the plane."""
INK, FAINT = "--ink", "--muted"
"""Properties of the page's style, which the script looks up: they differ in the dark."""


def plane(comparison: Comparison) -> Figure | None:
    """The plane of every model that has a distortion; None if none has, or they do not compare.

    Args:
        comparison: of the models.

    Returns:
        ``data`` and ``layout`` of plotly, lengths in nats. A trace's ``meta`` says which model it
        belongs to (None for none) and the rows of its hover text.
    """
    placed = {
        i: report
        for i, report in enumerate(comparison.named)
        if {"rate", "distortion"} <= report.estimates.keys()
    }
    if not placed or not comparison.shares_a_plane:
        return None
    points = [(r["rate"].value, r["distortion"].value) for r in placed.values()]
    across, up = window(points, comparison.entropy)
    spans = (across[1] - across[0], up[1] - up[0])
    traces: list[dict[str, Any] | None] = [*lines(comparison, across)]
    if len(comparison.reports) <= CROWD:
        for i, report in placed.items():
            traces += [outline(i, report), tick(i, report, spans)]
    traces += [point(i, report, len(placed) <= NAMED, across) for i, report in placed.items()]
    return {
        "data": [trace for trace in traces if trace is not None],
        "layout": layout(across, up, shading(comparison, across, up)),
    }


class Key(NamedTuple):
    """A regime of the key beside the plane.

    label: of the regime.
    shaded: whether a shade of the plane is its own.
    glyph: of its models' markers; empty where it has no model.
    """

    label: str
    shaded: bool
    glyph: str


def keys(comparison: Comparison) -> list[Key]:
    """Every regime that has a shade on the plane or a model there, in their order.

    Args:
        comparison: of the models.
    """
    had = {report.regime.label for report in comparison.reports}
    shaded = {region.label for region in regions_of(comparison)}
    return [
        Key(label, label in shaded, GLYPHS[SYMBOLS[label]] if label in had else "")
        for label in SYMBOLS
        if label in had | shaded
    ]


def regions_of(comparison: Comparison) -> tuple[Region, ...]:
    """The parts of the plane that position alone tells; none without Ĥ."""
    if comparison.entropy is None or comparison.entropy <= 0:
        return ()
    return regions(comparison.entropy, comparison.cuts)


def window(
    points: Sequence[tuple[float, float]], entropy: float | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges of R and D shown at first, with a margin.

    They begin at zero, unless all distortions would then crowd into the far half.
    """
    rates, distortions = zip(*points, strict=True)
    least, most = min(distortions), max(distortions)
    crowded = len(set(points)) > 1 and most - least < least
    whole = [0.0, entropy] if entropy and not crowded else []
    return padded([0.0, *rates]), padded([*distortions, *whole])


def padded(values: Sequence[float]) -> tuple[float, float]:
    """A range around values with a margin."""
    low, high = min(values), max(values)
    margin = MARGIN * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def point(i: int, report: Report, named: bool, across: tuple[float, float]) -> dict[str, Any]:
    """A model's marker, its name towards the middle, with every number under the pointer."""
    left = report["rate"].value > (across[0] + 3 * across[1]) / 4
    side = "top left" if left else "top right"
    label = report.regime.label
    colour = COLOURS.get(label, COLOURS[UNDETERMINED])
    return {
        "type": "scatter",
        "mode": "markers+text" if named else "markers",
        "x": [report["rate"].value],
        "y": [report["distortion"].value],
        "text": [neutral(report.model)],
        "textposition": side,
        "cliponaxis": False,
        "marker": {
            "color": colour,
            "symbol": SYMBOLS.get(label, SYMBOLS[UNDETERMINED]),
            "size": 12,
            "line": {"width": 1.5, "color": "#ffffff"},
        },
        "hoverinfo": "text",
        "meta": {"model": i, "title": neutral(report.model), "rows": hover(report)},
    }


def hover(report: Report) -> list[list[Any]]:
    """Name, nats and ± of what the pointer shows; a row without a number stands as it is."""
    found: list[list[Any]] = [
        [label, report[name].value, report[name].se_data or report[name].se]
        for name, label in COLUMNS.items()
        if name in report.estimates
    ]
    if "slope" in report.estimates:
        found.append([f"slope {report['slope'].value:.3f}", None, None])
    return [*found, [neutral(short_verdict(report)), None, None]]


def neutral(text: str) -> str:
    """Text in which plotly finds no tags: it reads <b> and <a href> in any label."""
    return html.escape(" ".join(text.split()), quote=False)


def outline(i: int, report: Report) -> dict[str, Any] | None:
    """The 95 % ellipse around a model; None where it is not known."""
    corners = ellipse(report)
    if corners is None:
        return None
    rates, distortions = (side.tolist() for side in corners.T)
    colour = COLOURS.get(report.regime.label, COLOURS[UNDETERMINED])
    return {
        **line([*rates, rates[0]], width=1, color=colour),
        "y": [*distortions, distortions[0]],
        "fill": "toself",
        "meta": {"model": i},
    }


def tick(i: int, report: Report, spans: tuple[float, float]) -> dict[str, Any] | None:
    """A short tangent of the model's operating slope; None where that is unknown."""
    if "slope" not in report.estimates:
        return None
    rate, distortion, slope = (report[k].value for k in ("rate", "distortion", "slope"))
    run = TICK / math.hypot(1 / spans[0], slope / spans[1])
    colour = COLOURS.get(report.regime.label, COLOURS[UNDETERMINED])
    return {
        **line([rate - run, rate + run], width=2, color=colour),
        "y": [distortion + slope * run, distortion - slope * run],
        "meta": {"model": i},
    }


def line(x: list[float], **style: Any) -> dict[str, Any]:
    """A line that does not answer to the pointer."""
    style["simplify"] = False
    return {"type": "scatter", "mode": "lines", "x": x, "line": style, "hoverinfo": "skip"}


def lines(comparison: Comparison, across: tuple[float, float]) -> list[dict[str, Any]]:
    """The place of the lines of equal ELBO, the line of Ĥ, and the place of the hull.

    The script draws what has a place alone: these lines are at round numbers of the unit, and the
    hull is of the models shown. Each kind looks as it does in ``plane_axes``.
    """
    found = [placeholder("elbo", width=1, dash="dot", color=FAINT)]
    bound = comparison.entropy
    if bound is not None:
        span = across[1] - across[0]
        wide = [across[0] - 2 * span, across[1] + 2 * span]
        style = line(wide, width=2, dash="dash", color=INK)
        found.append({**style, "y": [bound - x for x in wide], "meta": {"model": None}})
    return [*found, placeholder("hull", width=1.5, color=FAINT)]


def placeholder(kind: str, **style: Any) -> dict[str, Any]:
    """A line of no model that the script draws."""
    return {**line([], **style), "y": [], "meta": {"model": None, kind: True}}


def shading(
    comparison: Comparison, across: tuple[float, float], up: tuple[float, float]
) -> list[dict[str, Any]]:
    """The regimes that position alone tells, as tinted rectangles; none without Ĥ."""
    far = 5 * max(across[1], up[1], comparison.entropy or 0.0)
    found = []
    for region in regions_of(comparison):
        (x0, x1), (y0, y1) = (
            (max(-far, low), min(far, high)) for low, high in (region.rate, region.distortion)
        )
        found.append(
            {
                "type": "rect",
                "layer": "below",
                "line": {"width": 0},
                "fillcolor": COLOURS[region.label],
                "opacity": 0.13,
                **{"x0": x0, "x1": x1, "y0": y0, "y1": y1},
            }
        )
    return found


def layout(
    across: tuple[float, float], up: tuple[float, float], shapes: list[dict[str, Any]]
) -> dict[str, Any]:
    """The axes; UNIT in their titles is what the script replaces."""
    axis = {"zeroline": False, "ticks": "outside", "showgrid": False, "linecolor": "#8b939e"}
    return {
        "xaxis": {**axis, "title": {"text": "rate R, UNIT"}, "range": list(across)},
        "yaxis": {**axis, "title": {"text": "distortion D, UNIT"}, "range": list(up)},
        "shapes": shapes,
        "showlegend": False,
        "hovermode": "closest",
        "margin": {"l": 60, "r": 48, "t": 26, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "hoverlabel": {"align": "left", "bgcolor": "#ffffff", "font": {"color": "#1f2328"}},
    }
