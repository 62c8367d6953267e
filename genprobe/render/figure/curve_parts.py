"""What β does to the rate, the distortion, and to what the rate is spent on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from genprobe.render.figure.curve_plane import JOINED
from genprobe.render.figure.labels import figure_of
from genprobe.render.figure.legend import Entry
from genprobe.render.figure.nats import INFORMATION, MISMATCH, PART_STYLES
from genprobe.render.figure.style import FAINT, INK
from genprobe.render.plane_labels import one_line
from genprobe.render.text.headings import SPELT
from genprobe.report import Estimate, Report

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
LABELS: Sequence[Mapping[str, str]] = (
    {"color": "#800080", "marker": "D"},
    {"color": "#008060", "marker": "P"},
    {"color": "#A00000", "marker": "X"},
    {"color": "#C0A060", "marker": "p"},
)
"""How the label information of each label is drawn; of more labels than these it is not."""
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
        for name, style, estimates in lines_of(reports):
            axes.errorbar(
                betas,
                [e.value / scale for e in estimates],
                [HALF * (e.se_data or 0.0) / scale for e in estimates],
                elinewidth=0.7,
                gid=f"{side} {name}",
                **line_style(side, **style),
            )
    if betas[0] > 0:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(betas, [f"{beta:.3g}" for beta in betas])
    axes.axhline(0, color=FAINT, linewidth=0.4, zorder=0)  # which is thereby in view
    axes.set(xlabel="β, the weight of the rate", ylabel=unit)
    axes.spines[["top", "right"]].set_visible(False)


def lines_of(
    reports: Sequence[Report],
) -> Iterator[tuple[str, Mapping[str, str], list[Estimate]]]:
    """What is drawn of one side: its name, how it is drawn, and an estimate of each model."""
    for name in known(reports):
        yield name, PARTS[name], [report[name] for report in reports]
    for name, style in labels_of(reports).items():
        told = [report.labels[name]["label_information"] for report in reports]
        yield f"label {name}", style, told


def known(reports: Sequence[Report]) -> list[str]:
    """The parts that every model has."""
    return [name for name in PARTS if all(name in report.estimates for report in reports)]


def labels_of(reports: Sequence[Report]) -> dict[str, Mapping[str, str]]:
    """The labels that every model has, the first few, and how each is drawn."""
    names = [name for name in reports[0].labels if all(name in r.labels for r in reports)]
    return dict(zip(names, LABELS, strict=False))


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
    parts += [
        (Line2D([], [], **line_style("training", **style)), f"I(Y;Z) of {one_line(name)}")
        for name, style in labels_of(sides["training"]).items()
    ]
    data: list[Entry] = [
        (Line2D([], [], **line_style(side, INK, "o")), f"on {side} data") for side in sides
    ]
    return parts, [*data, (Line2D([], [], **BAR), "95 % of the data error")]
