"""The figure of a sweep: the rate-distortion curve on both sides, and what β does to each nat."""

from pathlib import Path

from matplotlib.figure import Figure

from genprobe.render.figure.curve_parts import draw_parts, parts_entries, thin_out
from genprobe.render.figure.curve_plane import Sides, curve_entries, draw_curves, label_betas
from genprobe.render.figure.figure_file import require_format, write_figure
from genprobe.render.figure.legend import height_of
from genprobe.render.figure.panels import GAP, Panel, lay_out, settle
from genprobe.render.figure.plane_points import written
from genprobe.render.figure.style import FULL_WIDTH, drawing
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
    scale, sides = common_divisor([*sweep.training, *sweep.held_out], unit), placed(sweep)
    with drawing():
        axes = lay_out(panels_of(sweep, sides), width, beside=True)
        draw_curves(axes["plane"], sweep.betas, sides, scale, unit)
        draw_parts(axes["parts"], sweep.betas, sides, scale, unit)
        figure = settle(axes["plane"])
        label_betas(axes["plane"], sweep.betas, sides, scale)
        thin_out(axes["parts"])
    return figure


def placed(sweep: Sweep) -> Sides:
    """The reports of each side from the lowest β on, their regimes under the bound they share."""
    found = {}
    for side, reports in sweep.sides.items():
        shared = {report.model: report for report in sweep.comparison(side).reports}
        found[side] = [shared[report.model] for report in reports]
    return found


def panels_of(sweep: Sweep, sides: Sides) -> dict[str, Panel]:
    """The two panels, with legends of one height so that they stand level."""
    contents = {
        "plane": ("Rate-distortion curve", curve_entries(sweep.betas, sides)),
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
    data = written(sweep.training[0].dataset)
    title = f"Rate-distortion curve: {len(sweep.betas)} models on {data}"
    write_figure(draw_curve(sweep, unit, width), Path(path), title)
