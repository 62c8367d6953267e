"""The rate-distortion plane of one model or several, as a figure for a paper.

Beside the plane stands where each nat of the rate goes, and for a single model the rate by latent
dimension. PNG, SVG and PDF; the same comparison always gives the same file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genprobe.comparison import Comparison, compare
from genprobe.errors import GenprobeError
from genprobe.render.dimensions import draw_dimensions, ranked
from genprobe.render.labels import figure_of
from genprobe.render.nats import Entry, draw_nats, nats_entries
from genprobe.render.plane_axes import draw_ground, draw_models
from genprobe.render.plane_legend import height_of, plane_entries, write_legend
from genprobe.render.plane_points import ALL, plane_of, written
from genprobe.render.style import FULL_WIDTH, drawing
from genprobe.render.units import common_divisor
from genprobe.types import Report

FORMATS = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""By suffix: what is left out of the file, as it would differ from run to run."""
TITLES = {
    "plane": "Rate-distortion plane",
    "nats": "Where each nat of the rate goes",
    "dimensions": "Rate by latent dimension",
}
GAP = 0.15
"""Inches below a legend."""
NARROW = 5.0
"""Inches of width below which the panels stand one below another."""


def plot(
    reports: Comparison | Report | Sequence[Report | str | Path],
    path: str | Path | None = None,
    *,
    unit: str = "nats",
    width: float = FULL_WIDTH,
) -> Figure:
    """Draw models on the rate-distortion plane, and where their rate goes.

    Args:
        reports: a comparison, a report, or what ``compare`` takes.
        path: where to write the figure: .png, .svg or .pdf; by default nowhere.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: inches; 3.3 is a single column of a paper, 6.9 its full width.

    Returns:
        The figure, which needs no pyplot and belongs to no window.

    Raises:
        GenprobeError: if the suffix is another, the file cannot be written, or the data differ.
    """
    if path is not None:
        require_format(Path(path))
    if isinstance(reports, Report):
        reports = [reports]
    comparison = reports if isinstance(reports, Comparison) else compare(reports)
    figure = draw_plane(comparison, unit, width)
    if path is not None:
        write_figure(figure, Path(path), title_of(comparison))
    return figure


def require_format(path: Path) -> None:
    """Check that a figure can be written to a file of that name.

    Raises:
        GenprobeError: naming the suffixes that are known.
    """
    if path.suffix.lower() not in FORMATS:
        raise GenprobeError(
            f"A plot cannot be written as {path.name}.", f"End it in {', '.join(FORMATS)}."
        )


def save_plane(
    comparison: Comparison, path: str | Path, unit: str = "nats", width: float = FULL_WIDTH
) -> None:
    """Draw a comparison into a file, in the format of its suffix.

    Args:
        comparison: of one model or several.
        path: ends in .png, .svg or .pdf.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: inches; 3.3 is a single column.

    Raises:
        GenprobeError: if the suffix is another, or the file cannot be written.
    """
    plot(comparison, path, unit=unit, width=width)


def write_figure(figure: Figure, path: Path, title: str) -> None:
    """Write a figure in the format of the suffix.

    Raises:
        GenprobeError: if the file cannot be written.
    """
    try:
        with drawing():
            figure.savefig(path, metadata={"Title": title, **FORMATS[path.suffix.lower()]})
    except OSError as error:
        raise GenprobeError(f"{path} cannot be written: {error.strerror}.") from error


def draw_plane(comparison: Comparison, unit: str = "nats", width: float = FULL_WIDTH) -> Figure:
    """The plane, where the rate goes and, of one model, its dimensions, as one figure.

    Args:
        comparison: of one model or several.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: inches; 3.3 is a single column. Below 5 the panels stand one below another.
    """
    scale = common_divisor(comparison.reports, unit)
    plane, bars = plane_of(comparison, scale), barred(comparison)
    dimensions = comparison.reports[0].dimensions if len(comparison.reports) == 1 else ()
    legends: dict[str, Sequence[Sequence[Entry]]] = {"nats": [nats_entries(bars, scale)]}
    heights = {"nats": 0.55 + 0.17 * max(3, len(bars))}
    if plane.points:
        legends["plane"] = plane_entries(plane, comparison, unit)
        heights = {"plane": 2.75 + 0.05 * width, **heights}
    if ranked(dimensions):
        heights["dimensions"] = 1.4
    with drawing():
        panels = lay_out(heights, legends, width)
        draw_nats(panels["nats"], bars, scale, unit)
        if len(bars) < len(comparison.reports):
            panels["nats"].set_ylabel(f"{len(bars)} of {len(comparison.reports)} models")
        if "dimensions" in panels:
            draw_dimensions(panels["dimensions"], dimensions, scale, unit)
        if "plane" in panels:
            draw_ground(panels["plane"], plane, comparison, unit)
        figure = figure_of(panels["nats"])
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # from here on things are placed by pixels
        if "plane" in panels:
            draw_models(panels["plane"], plane)
    return figure


def lay_out(
    heights: Mapping[str, float], legends: Mapping[str, Sequence[Sequence[Entry]]], width: float
) -> dict[str, Axes]:
    """Axes for every panel: the plane beside the others, or on a narrow page above them.

    Args:
        heights: of each panel, inches, from top to bottom.
        legends: what is written below a panel, in one column or two.
        width: of the figure, inches.
    """
    names = list(heights)
    split = len(names) > 1 and names[0] == "plane" and width >= NARROW
    columns = [names[:1], names[1:]] if split else [names]
    rows = [list(rows_of(column, heights, legends)) for column in columns]
    height = max(sum(inches for _, inches in column) for column in rows)
    figure = Figure(figsize=(width, height), layout="constrained")
    panels: dict[str, Axes] = {}
    parts = figure.subfigures(1, len(columns), squeeze=False)[0]
    for part, column in zip(parts, rows, strict=True):
        panels |= part.subplot_mosaic(
            [[name] for name, _ in column], height_ratios=[inches for _, inches in column]
        )
    for name, entries in legends.items():
        for place, lines in enumerate(entries):
            write_legend(panels[f"{name} legend"], lines, "right" if place else "left")
    for letter, name in zip("abc", names, strict=False):
        top = any(name == column[0] for column in columns)  # where the plane has numbers below it
        panels[name].set_title(f"{letter}  {TITLES[name]}", y=1.0, pad=14 if top else 5)
    return panels


def rows_of(
    names: Sequence[str],
    heights: Mapping[str, float],
    legends: Mapping[str, Sequence[Sequence[Entry]]],
) -> Iterator[tuple[str, float]]:
    """Panels and legends with their heights in inches, from top to bottom."""
    for name in names:
        yield name, heights[name]
        if name in legends:
            yield f"{name} legend", GAP + max(map(height_of, legends[name]))


def barred(comparison: Comparison) -> list[Report]:
    """The models with a bar of their own: all, or of many those on the hull, or some of these."""
    reports = list(comparison.named)
    if len(reports) > ALL:
        reports = [reports[i] for i in comparison.hull] or reports
    step = -(-len(reports) // ALL)
    return reports[::step]


def title_of(comparison: Comparison) -> str:
    """What the file says it shows."""
    first = comparison.reports[0]
    names = first.model if len(comparison.reports) == 1 else f"{len(comparison.reports)} models"
    return f"Rate-distortion plane: {written(names)} on {written(first.dataset)}"
