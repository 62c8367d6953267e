"""Charts of codes as plotly draws them: plain types that the page's script hands to the library."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import PAID
from genprobe.errors import UnavailableError
from genprobe.estimators.spectrum_band import band
from genprobe.render.page.interactive import INK, LOOK, neutral
from genprobe.render.text.comparison_codes import divisor_of_codes, heading_of_codes
from genprobe.report import Estimate, Report
from genprobe.report import number as decimal
from genprobe.report.channels import LatentGrid
from genprobe.report.tokens import TokenReport

HEIGHT = 260
"""Of a chart, pixels."""
QUALITIES = ("psnr", "distortion")
"""What codes are good for: the first that all models have."""
SHARED = "chart-compared"
"""The element of the chart of all models."""
Trace = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart.

    Attributes:
        title: what it shows.
        caption: how to read it.
        data: traces of plotly.
        axes: layout of plotly's two axes.
    """

    title: str
    caption: str
    data: Sequence[Trace]
    axes: Mapping[str, Any]


def code_charts(report: Report, colour: str) -> Iterator[Chart]:
    """The charts of a report's codes; none where they have neither classes nor places.

    Args:
        report: of one model.
        colour: of the model.
    """
    if report.tokens is not None:
        yield growth_chart(report.tokens, report.n, colour)
        if report.tokens.ranked:
            yield frequency_chart(report.tokens, colour)
    if report.grid is not None and report.grid.frequencies:
        yield spectrum_chart(report, report.grid, colour)


def growth_chart(tokens: TokenReport, n: int, colour: str) -> Chart:
    """How many classes are used by how many examples.

    Args:
        tokens: of the report.
        n: number of examples.
        colour: of the model.
    """
    known = [(m, used) for m, used in tokens.growth if m <= n]
    beyond = [(m, used) for m, used in tokens.growth if m >= n]
    return Chart(
        title="Usage growth",
        caption=f"Codes used by so many examples, of {tokens.classes}; dashed where it is "
        "extrapolated. A curve that is flat has seen every code it will use.",
        data=[points_trace(known, colour), points_trace(beyond, colour, dash="dash")],
        axes=axes("examples", "codes used", across="log", up="tozero"),
    )


def frequency_chart(tokens: TokenReport, colour: str) -> Chart:
    """How often each class is used, from the most used on."""
    used = [(rank, count) for rank, count in tokens.ranked if count]
    return Chart(
        title="How often each code is used",
        caption="Codes by rank, from the most used on; both axes in powers of ten. Codes that are "
        "never used are not drawn.",
        data=[points_trace(used, colour)],
        axes=axes("rank of the code", "tokens", across="log", up="log"),
    )


def spectrum_chart(report: Report, grid: LatentGrid, colour: str) -> Chart:
    """The power of the latent by frequency, with the line whose slope the report states."""
    points = [(f, p) for f, p in zip(grid.frequencies, grid.power, strict=True) if p > 0]
    traces = [points_trace(points, colour)]
    slope = report.estimates.get("spectrum_slope")
    said = ""
    if slope is not None:
        traces.append(points_trace(fitted_line(grid, slope.value), INK, dash="dot"))
        stated = decimal(slope.value, 2)
        said = f" The dotted line has the slope of the middle of the band, {stated}."
    return Chart(
        title="Spectrum",
        caption="Variance of the latent by radial frequency over positions, both axes in powers of "
        f"ten. White noise is flat.{said}",
        data=traces,
        axes=axes("cycles per position", "variance of z", across="log", up="log"),
    )


def fitted_line(grid: LatentGrid, slope: float) -> list[tuple[float, float]]:
    """A line of that slope through the middle of the band; none where there is no band.

    Args:
        grid: of the report.
        slope: in log-log.
    """
    try:
        part = band(len(grid.frequencies))
    except UnavailableError:
        return []
    frequencies, power = grid.frequencies[part], grid.power[part]
    across, up = statistics.geometric_mean(frequencies), statistics.geometric_mean(power)
    return [(f, up * (f / across) ** slope) for f in (frequencies[0], frequencies[-1])]


def points_trace(points: Iterable[tuple[float, float]], colour: str, dash: str = "solid") -> Trace:
    """Points that are joined.

    Args:
        points: (x, y).
        colour: of line and markers; one that begins with -- is a property of the page's style.
        dash: plotly's name of the line's kind.
    """
    pairs = list(points)
    solid = dash == "solid"
    return {
        "type": "scatter",
        "mode": "lines+markers" if solid and len(pairs) <= 64 else "lines",
        "x": [x for x, _ in pairs],
        "y": [y for _, y in pairs],
        "line": {"color": colour, "width": 2, "dash": dash},
        "marker": {"color": colour, "size": 5},
        "hovertemplate": "%{x:.4g}: %{y:.4g}<extra></extra>",
    }


def axes(across_title: str, up_title: str, *, across: str, up: str) -> dict[str, Any]:
    """The two axes.

    Args:
        across_title: of the horizontal one.
        up_title: of the vertical one.
        across: ``log``, ``linear``, or ``tozero`` for one that begins at 0.
        up: the same of the vertical one.
    """
    both = {"showgrid": False, "zeroline": False, "ticks": "outside", "linecolor": "#8b939e"}
    kinds = {
        "log": {"type": "log", "exponentformat": "power"},
        "linear": {},
        "tozero": {"rangemode": "tozero"},
    }
    return {
        "xaxis": {**both, **kinds[across], "title": {"text": across_title, "standoff": 14}},
        "yaxis": {**both, **kinds[up], "title": {"text": up_title}},
    }


def tokenizer_chart(comparison: Comparison, colours: Sequence[str]) -> Chart | None:
    """What the codes of several models cost against what they are good for.

    Quality is the PSNR where every model has it, else the distortion; None where two models lack
    either.

    Args:
        comparison: of the models, each under what it goes by.
        colours: of the models.
    """
    quality = next((k for k in QUALITIES if all(k in r.estimates for r in comparison.reports)), "")
    known = [i for i, r in enumerate(comparison.reports) if PAID in r.estimates]
    if not quality or len(known) < 2 or not comparison.shares_a_plane:
        return None
    across, up = heading_of_codes(comparison, PAID), heading_of_codes(comparison, quality)
    end = "upper" if quality == QUALITIES[0] else "lower"
    return Chart(
        title="Cost and quality",
        caption=f"The {end} left is better. Bars are twice the standard errors over examples.",
        data=[tokenizer_point(comparison, i, quality, colours[i]) for i in known],
        axes=axes(across, up, across="linear", up="linear"),
    )


def tokenizer_point(comparison: Comparison, position: int, quality: str, colour: str) -> Trace:
    """One model: what its codes cost, and what they are good for.

    Args:
        comparison: of the models.
        position: of the model.
        quality: estimate that says what they are good for.
        colour: of the model.
    """
    report = comparison.reports[position]
    paid, good = report.estimates[PAID], report.estimates[quality]
    by = divisor_of_codes(comparison, report, PAID)
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [paid.value / by],
        "y": [good.value],
        "error_x": {"array": [spread_of(paid, by)], "color": colour, "width": 3},
        "error_y": {"array": [spread_of(good)], "color": colour, "width": 3},
        "text": [neutral(comparison.names[position])],
        "textposition": "top center",
        "cliponaxis": False,
        "line": {},
        "marker": {"color": colour, "size": 10},
        "hovertemplate": "%{x:.4g}, %{y:.4g}<extra></extra>",
        "meta": {"model": position},
    }


def spread_of(estimate: Estimate, by: float = 1.0) -> float:
    """Twice the standard error over examples; 0 where that is not known."""
    return 2 * (estimate.se_data or 0.0) / by


def placed_charts(
    each: Iterable[tuple[int, Sequence[Chart]]], shared: Chart | None
) -> list[dict[str, Any]]:
    """Every chart of a page, by the element that it is drawn in.

    Args:
        each: the charts of every model, by its position on the page.
        shared: that of all models.
    """
    placed = {f"chart-{i}-{j}": chart for i, charts in each for j, chart in enumerate(charts)}
    placed |= {} if shared is None else {SHARED: shared}
    look = {**LOOK, "height": HEIGHT, "margin": {"l": 64, "r": 24, "t": 18, "b": 52}}
    return [
        {"id": place, "data": list(chart.data), "layout": {**look, **chart.axes}}
        for place, chart in placed.items()
    ]
