"""The rate-distortion plane of one model or several, as a figure for a paper.

Beside the plane stands where each nat of the rate goes, and for a single model the rate by latent
dimension. PNG, SVG and PDF; the same comparison always gives the same file.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from genprobe.comparing.comparison import Comparison
from genprobe.errors import GenprobeError
from genprobe.escape import escaped
from genprobe.render.figure.dimensions import draw_dimensions, ranked
from genprobe.render.figure.figure_file import require_format, write_figure
from genprobe.render.figure.nats import draw_nats, nats_entries
from genprobe.render.figure.panels import Panel, lay_out, settle
from genprobe.render.figure.plane_axes import draw_ground, draw_models, model_marks
from genprobe.render.figure.plane_curves import draw_decoder_curves
from genprobe.render.figure.plane_legend import plane_entries
from genprobe.render.figure.style import FULL_WIDTH, drawing
from genprobe.render.plane import ALL, Plane, plane_of
from genprobe.render.plane_labels import number_labels, one_line
from genprobe.report import Dimension, Report


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

    >>> import genprobe, torch
    >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    >>> report = genprobe.evaluate_posteriors(params, distortion=torch.full((50,), 3.0))
    >>> figure = genprobe.plot(report, width=3.3)
    >>> figure.get_axes()[0].get_title(loc="left")
    'a  Rate-distortion plane'
    """
    if path is not None:
        require_format(Path(path))
    if not isinstance(reports, Comparison):
        from genprobe.comparing.compare import compare  # imports torch, as drawing does not

        reports = compare([reports] if isinstance(reports, Report) else reports)
    figure = draw_plane(reports, unit, width)
    if path is not None:
        write_figure(figure, Path(path), title_of(reports))
    return figure


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


def draw_plane(comparison: Comparison, unit: str = "nats", width: float = FULL_WIDTH) -> Figure:
    """The plane, where the rate goes and, of one model, its dimensions, as one figure.

    Args:
        comparison: of one model or several.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: inches; 3.3 is a single column. Below 5 the panels stand one below another.
    """
    comparison = escaped(comparison)
    plane, bars = plane_of(comparison, unit), barred(comparison)
    dimensions = comparison.reports[0].dimensions if len(comparison.reports) == 1 else ()
    panels = plane_panels(plane, bars, dimensions, width)
    with drawing():
        axes = lay_out(panels, width, beside="plane" in panels)
        marks = model_marks(plane) if len(plane.models) > 1 else None
        if "nats" in panels:
            numbers = number_labels(plane)
            draw_nats(axes["nats"], bars, plane.scale, unit, plane.best, marks, numbers)
            if len(bars) < len(comparison.reports):
                axes["nats"].set_ylabel(f"{len(bars)} of {len(comparison.reports)} models")
        if "dimensions" in panels:
            draw_dimensions(axes["dimensions"], dimensions, plane.scale, unit)
        if "plane" in panels:
            draw_ground(axes["plane"], plane)
            draw_decoder_curves(axes["plane"], plane)
        figure = settle(next(iter(axes.values())))
        if "plane" in panels:
            draw_models(axes["plane"], plane)
    return figure


def plane_panels(
    plane: Plane, bars: Sequence[Report], dimensions: Sequence[Dimension], width: float
) -> dict[str, Panel]:
    """The panels that there is something to show in.

    Raises:
        GenprobeError: if there is none.
    """
    drawn = {"plane": not plane.empty, "dimensions": bool(ranked(dimensions)), "nats": bool(bars)}
    if not any(drawn.values()):
        raise GenprobeError(
            "There is no plane to draw: no model has a rate.",
            "Deterministic codes have none; the table has what there is.",
        )
    panels = {
        "plane": Panel(
            title="Rate-distortion plane",
            height=2.75 + 0.05 * width,
            legend=plane_entries(plane),
        ),
        "nats": Panel(
            title="Where the rate goes",
            height=0.55 + 0.17 * max(3, len(bars)),
            legend=[nats_entries(bars, plane.scale)] if bars else (),
        ),
        "dimensions": Panel(title="Rate by latent dimension", height=1.4),
    }
    return {name: panel for name, panel in panels.items() if drawn[name]}


def barred(comparison: Comparison) -> list[Report]:
    """The models with a bar of their own: all that have a rate, or of many some on the hull."""
    reports = list(comparison.named)
    if len(reports) > ALL:
        reports = [reports[i] for i in comparison.hull] or reports
    reports = [report for report in reports if "rate" in report.estimates]
    step = max(1, -(-len(reports) // ALL))
    return reports[::step]


def title_of(comparison: Comparison) -> str:
    """What the file says it shows."""
    first = comparison.reports[0]
    names = first.model if len(comparison.reports) == 1 else f"{len(comparison.reports)} models"
    return f"Rate-distortion plane: {one_line(names)} on {one_line(first.dataset)}"
