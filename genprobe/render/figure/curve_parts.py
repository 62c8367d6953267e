"""What β does to the rate, the distortion, and to what the rate is spent on."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from genprobe.render.figure.curve_plane import JOINED
from genprobe.render.figure.labels import figure_of
from genprobe.render.figure.legend import Entry
from genprobe.render.figure.nats import INFORMATION, MISMATCH, PART_STYLES
from genprobe.render.figure.style import FAINT, INK
from genprobe.render.text.headings import SPELT
from genprobe.report import Report

Sides = Mapping[str, Sequence[Report]]
"""The reports by side, ``training`` and perhaps ``held-out``, from the lowest β on."""

PARTS: Mapping[str, Mapping[str, str]] = {
    "distortion": {"color": FAINT, "marker": "s"},
    "rate": {"color": INK, "marker": "o"},
    "mutual_information": {"color": PART_STYLES[INFORMATION]["facecolor"], "marker": "^"},
    "marginal_kl": {"color": PART_STYLES[MISMATCH]["facecolor"], "marker": "v"},
}
"""The estimates that are drawn; what the rate is spent on has the colours it has in the bars."""
BAR: Mapping[str, Any] = {
    "color": INK,
    "linestyle": "none",
    "marker": "|",
    "markersize": 6.0,
    "markeredgewidth": 0.7,
}
HALF = 1.96
"""Standard errors to the end of a 95 % interval."""
APART = 2
"""Points between the numbers below an axis at least."""


def draw_parts(axes: Axes, betas: Sequence[float], sides: Sides, scale: float, unit: str) -> None:
    """R, D, I(n;z) and the marginal KL against β, held-out data dashed and hollow.

    Args:
        axes: to draw on.
        betas: of the models.
        sides: their reports.
        scale: nats a unit.
        unit: its name.
    """
    for side, reports in sides.items():
        for name in known(reports):
            axes.errorbar(
                betas,
                [report[name].value / scale for report in reports],
                [HALF * (report[name].se_data or 0.0) / scale for report in reports],
                elinewidth=0.7,
                gid=f"{side} {name}",
                **line_style(side, **PARTS[name]),
            )
    if betas[0] > 0:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(betas, [f"{beta:.3g}" for beta in betas])
    axes.axhline(0, color=FAINT, linewidth=0.4, zorder=0)  # which is thereby in view
    axes.set(xlabel="β, the weight of the rate", ylabel=unit)
    axes.spines[["top", "right"]].set_visible(False)


def known(reports: Sequence[Report]) -> list[str]:
    """The parts that every model has."""
    return [name for name in PARTS if all(name in report.estimates for report in reports)]


def line_style(side: str, color: str, marker: str) -> dict[str, Any]:
    """How a line is drawn on one side."""
    return {
        "color": color,
        "marker": marker,
        "markersize": 3.0,
        "markerfacecolor": color if side == "training" else "white",
        "linestyle": JOINED[side].get("linestyle", "-"),
        "linewidth": 0.9,
    }


def thin_out(axes: Axes) -> None:
    """Leave out the numbers of β that would run into the one before.

    Args:
        axes: laid out for good.
    """
    apart = APART * figure_of(axes).dpi / 72
    end = -float("inf")
    for label in axes.get_xticklabels():
        box = label.get_window_extent()
        label.set_visible(box.x0 >= end + apart)
        if label.get_visible():
            end = box.x1


def parts_entries(sides: Sides) -> tuple[list[Entry], list[Entry]]:
    """The two columns below: the lines, and which data they are of."""
    parts: list[Entry] = [
        (Line2D([], [], **line_style("training", **PARTS[name])), SPELT[name])
        for name in known(sides["training"])
    ]
    data: list[Entry] = [
        (Line2D([], [], **line_style(side, INK, "o")), f"on {side} data") for side in sides
    ]
    return parts, [*data, (Line2D([], [], **BAR), "95 % of the data error")]
