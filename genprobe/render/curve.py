"""The figure of a sweep: the rate-distortion curve on both sides, and what β does to each nat."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genprobe.render.units import divisor
from genprobe.sweeping import Sweep
from genprobe.types import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "training": "#0072B2",
    "held-out": "#D55E00",
    "rate": "#000000",
    "distortion": "#E69F00",
    "mutual_information": "#009E73",
    "marginal_kl": "#CC79A7",
}
"""Okabe and Ito's, which colour-blind readers tell apart."""
NAMES = {
    "rate": "rate R",
    "distortion": "distortion D",
    "mutual_information": "I(n;z)",
    "marginal_kl": "marginal KL",
}
STYLES = {"training": "-", "held-out": "--"}
WIDTH, HEIGHT = 9.0, 3.8
"""Inches."""
NEAR = 0.05
"""Share of an axis within which two places have one label."""
MARGIN = 0.16
"""Share of the axis left free beside the curve, for the label of a rate of 0."""
BELOW_LEFT: Any = {"textcoords": "offset points", "ha": "right", "va": "top", "fontsize": "small"}
"""Where a convex curve leaves room for labels."""


def draw_curve(sweep: Sweep, unit: str = "nats") -> "Figure":
    """Two panels: the rate-distortion plane, and the parts of the rate against β.

    Args:
        sweep: to be drawn.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    plane, parts = figure.subplots(1, 2)
    draw_gap(plane, sweep, unit)
    for side, reports in sweep.sides.items():
        draw_side(plane, side, reports, unit)
        draw_parts(parts, sweep.betas, side, reports, unit)
    draw_labels(plane, sweep, unit)
    draw_tangent(plane, sweep, unit)
    plane.set(xlabel=f"rate R ({unit})", ylabel=f"distortion D ({unit})")
    plane.set_title("each model beside its β", fontsize="medium")
    parts.set_title(
        "on training data; dashed: held out" if sweep.held_out else "", fontsize="medium"
    )
    parts.set(xlabel="β", ylabel=unit, ylim=(0, None))
    if sweep.betas[0] > 0:
        parts.set_xscale("log")
        parts.set_xticks(sweep.betas, [f"{beta:.3g}" for beta in sweep.betas], minor=False)
        parts.minorticks_off()
    for axes in (plane, parts):
        axes.legend(frameon=False, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def save_curve(sweep: Sweep, path: Path, unit: str = "nats") -> None:
    """Write the figure; the ending of the path says as what.

    The same sweep gives the same file on any day.
    """
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "genprobe"}):
        dateless = {"Date": None} if path.suffix == ".svg" else {}
        draw_curve(sweep, unit).savefig(path, dpi=160, metadata=dateless)


def values(reports: Sequence[Report], name: str, unit: str) -> list[float]:
    """One estimate of every report."""
    return [report[name].value / divisor(report, unit) for report in reports]


def errors(reports: Sequence[Report], name: str, unit: str) -> list[float]:
    """Half the 95 % interval of one estimate of every report."""
    return [1.96 * (report[name].se_data or 0.0) / divisor(report, unit) for report in reports]


def draw_side(axes: "Axes", side: str, reports: Sequence[Report], unit: str) -> None:
    """One side's curve on the plane, its points joined by β."""
    axes.errorbar(
        values(reports, "rate", unit),
        values(reports, "distortion", unit),
        errors(reports, "distortion", unit),
        errors(reports, "rate", unit),
        fmt="o" + STYLES[side],
        color=COLOURS[side],
        markersize=4,
        capsize=2,
        linewidth=1,
        label=f"{side}: {reports[0].dataset}, N = {reports[0].n}",
    )


def draw_gap(axes: "Axes", sweep: Sweep, unit: str) -> None:
    """A line from each model's place on the training data to that on the held-out data."""
    ends = [
        [values(reports, name, unit) for reports in sweep.sides.values()]
        for name in ("rate", "distortion")
    ]
    axes.plot(*ends, color="#999999", linewidth=0.8, zorder=0)


def draw_labels(axes: "Axes", sweep: Sweep, unit: str) -> None:
    """Each β beside its place on the training data; one label where several coincide."""
    axes.margins(x=MARGIN)
    places = values(sweep.training, "rate", unit), values(sweep.training, "distortion", unit)
    spans = [NEAR * float(np.ptp(limits)) for limits in (axes.get_xlim(), axes.get_ylim())]
    labelled: list[tuple[list[float], tuple[float, float]]] = []
    for beta, *place in zip(sweep.betas, *places, strict=True):
        if labelled and (np.abs(np.subtract(place, labelled[-1][1])) < spans).all():
            labelled[-1][0].append(beta)
        else:
            labelled.append(([beta], (place[0], place[1])))
    for betas, at in labelled:
        text = "–".join(f"{beta:.3g}" for beta in dict.fromkeys((betas[0], betas[-1])))
        axes.annotate(text, at, (-4, -4), **BELOW_LEFT)


def draw_tangent(axes: "Axes", sweep: Sweep, unit: str) -> None:
    """The line of equal ELBO through the model of β = 1, which touches the curve there."""
    if 1.0 not in sweep.betas:
        return
    report = sweep.training[sweep.betas.index(1.0)]
    place = (values([report], "rate", unit)[0], values([report], "distortion", unit)[0])
    limits = axes.get_xlim(), axes.get_ylim()
    axes.axline(place, slope=-1, color="#555555", linewidth=0.8, linestyle=":", label="equal ELBO")
    axes.set(xlim=limits[0], ylim=limits[1])


def draw_parts(
    axes: "Axes", betas: Sequence[float], side: str, reports: Sequence[Report], unit: str
) -> None:
    """R, D, I(n;z) and the marginal KL against β."""
    for name, label in NAMES.items():
        axes.errorbar(
            betas,
            values(reports, name, unit),
            errors(reports, name, unit),
            fmt="o" + STYLES[side],
            color=COLOURS[name],
            markersize=3,
            linewidth=1,
            label=label if side == "training" else None,
        )
