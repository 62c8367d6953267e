"""The figure of a sweep: the rate-distortion curve on both sides, and what β does to each nat."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from genprobe.render.figure.curve_parts import Sides, draw_parts, parts_entries, thin_out
from genprobe.render.figure.curve_plane import (
    Curves,
    curve_entries,
    draw_curves,
    label_betas,
    place_curves,
)
from genprobe.render.figure.figure_file import require_format, write_figure
from genprobe.render.figure.legend import height_of
from genprobe.render.figure.panels import GAP, Panel, lay_out, settle
from genprobe.render.figure.style import FULL_WIDTH, drawing
from genprobe.render.plane_labels import one_line
from genprobe.render.text.units import common_divisor
from genprobe.runs.sweep import Sweep

HEIGHT = 2.9
"""Of a panel, inches."""


def draw_curve(sweep: Sweep, unit: str = "nats", width: float = FULL_WIDTH) -> Figure:
    """Two panels: the rate-distortion plane, and the parts of the rate against β.

    Args:
        sweep: to be drawn.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: inches; 3.3 is a single column. Below 5 the panels stand one below the other.
    """
    scale = common_divisor([*sweep.training, *sweep.held_out], unit)
    sides = reports_by_side(sweep)
    curves = place_curves(sides, scale)
    with drawing():
        axes = lay_out(curve_panels(sweep.betas, sides, curves), width, beside=True)
        draw_curves(axes["plane"], sweep.betas, curves, unit)
        draw_parts(axes["parts"], sweep.betas, sides, scale, unit)
        figure = settle(axes["plane"])
        label_betas(axes["plane"], sweep.betas, curves)
        thin_out(axes["parts"])
    return figure


def reports_by_side(sweep: Sweep) -> Sides:
    """The reports of each side from the lowest β on, their regimes under the bound they share."""
    found = {}
    for side, reports in sweep.sides.items():
        shared = {report.model: report for report in sweep.comparison(side).reports}
        found[side] = [shared[report.model] for report in reports]
    return found


def curve_panels(betas: Sequence[float], sides: Sides, curves: Curves) -> dict[str, Panel]:
    """The two panels, with legends of one height so that they stand level."""
    contents = {
        "plane": ("Rate-distortion curve", curve_entries(betas, curves)),
        "parts": ("Rate, distortion and information", parts_entries(sides)),
    }
    below = GAP + max(height_of(column) for _, legend in contents.values() for column in legend)
    return {
        name: Panel(title=title, height=HEIGHT, legend=legend, below=below)
        for name, (title, legend) in contents.items()
    }


def save_curve(
    sweep: Sweep, path: str | Path, unit: str = "nats", width: float = FULL_WIDTH
) -> None:
    """Draw a sweep into a file; the same sweep gives the same file on any day.

    Args:
        sweep: to be drawn.
        path: ends in .png, .svg or .pdf.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: inches; 3.3 is a single column.

    Raises:
        GenprobeError: if the suffix is another, or the file cannot be written.
    """
    require_format(Path(path))
    data = one_line(sweep.training[0].dataset)
    title = f"Rate-distortion curve: {len(sweep.betas)} models on {data}"
    write_figure(draw_curve(sweep, unit, width), Path(path), title)
