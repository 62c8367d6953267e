"""What the shades, markers and lines of the plane mean, in words below it."""

import textwrap
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.legend_handler import HandlerPatch
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Patch
from matplotlib.transforms import blended_transform_factory

from genprobe.comparison import Comparison
from genprobe.regimes import (
    AUTODECODER,
    AUTOENCODER,
    ORDER,
    SEMANTIC_DECODER,
    SEMANTIC_ENCODER,
    SYNTACTIC_ENCODER,
    UNDETERMINED,
    Cuts,
)
from genprobe.render.nats import Entry
from genprobe.render.plane_axes import ELLIPSES, ENTROPY, HULL, RATE_ONLY, TANGENTS
from genprobe.render.plane_points import Plane, written
from genprobe.render.rows import number
from genprobe.render.style import COLOURS, INK, MARKERS, SMALL, tint

WRAPPED = 30
"""Characters a line of the legend."""


def plane_entries(
    plane: Plane, comparison: Comparison, unit: str
) -> tuple[list[Entry], list[Entry]]:
    """The two columns below the plane: the regimes, and everything else.

    Args:
        plane: what is drawn there.
        comparison: what it was made from.
        unit: its name.
    """
    return regime_entries(plane, comparison.cuts), line_entries(plane, comparison, unit)


def height_of(entries: Sequence[Entry]) -> float:
    """Inches that a column takes."""
    lines = sum(text.count("\n") + 1 for _, text in entries)
    return (1.25 * lines + 0.35 * len(entries)) * SMALL / 72


def write_legend(
    axes: Axes, entries: Sequence[Entry], side: Literal["left", "right"] = "left"
) -> None:
    """One column of a legend.

    Args:
        axes: empty ones, whose part of the figure the column may fill from edge to edge.
        entries: from top to bottom.
        side: of the figure, ``left`` or ``right``.
    """
    axes.set_axis_off()
    handles, labels = zip(*entries, strict=True)
    part = axes.get_figure(root=False)
    assert part is not None
    axes.add_artist(
        Legend(
            axes,
            handles,
            labels,
            loc="upper left" if side == "left" else "upper right",
            bbox_to_anchor=(0.02 if side == "left" else 0.99, 1),
            bbox_transform=blended_transform_factory(part.transSubfigure, axes.transAxes),
            borderaxespad=0,
            handler_map={Ellipse: HandlerPatch(patch_func=ellipse_handle)},
        )
    )


def regime_entries(plane: Plane, cuts: Cuts) -> list[Entry]:
    """Shade, marker and boundaries of every regime; without an Ĥ, of those that models have."""
    used = {report.regime.label for report in plane.reports}
    bounds = boundaries(plane, cuts)
    entries: list[Entry] = []
    for name in (*ORDER, UNDETERMINED):
        if name in used or (plane.entropy is not None and name in bounds):
            marker = model_handle(MARKERS[name], COLOURS[name])
            patch = Patch(facecolor=tint(COLOURS[name]), edgecolor="none")
            handle = marker if plane.entropy is None else (patch, marker)
            entries.append((handle, f"{name}: {bounds[name]}" if name in bounds else name))
    if plane.entropy is not None:
        slope = f"semantic, by slope: decoder s > {cuts.semantic_slope:g}"
        nothing = Line2D([], [], linestyle="none")
        entries.append((nothing, f"shade by position; marker, where\n{slope}"))
    return entries


def boundaries(plane: Plane, cuts: Cuts) -> dict[str, str]:
    """What makes each regime: its place under Ĥ, or without one the slope."""
    if plane.entropy is None:
        steps = (cuts.autoencoder_slope, cuts.syntactic_slope, cuts.semantic_slope)
        auto, syntactic, semantic = (f"{step:g}" for step in steps)
        return {
            AUTODECODER: f"R ≤ {cuts.collapsed_nats / plane.scale:.3g}",
            SEMANTIC_DECODER: f"s > {semantic}",
            SEMANTIC_ENCODER: f"{syntactic} < s ≤ {semantic}",
            SYNTACTIC_ENCODER: f"{auto} < s ≤ {syntactic}",
            AUTOENCODER: f"s ≤ {auto}",
        }
    collapsed = max(cuts.collapsed_nats / plane.scale, cuts.collapsed_share * plane.entropy)
    return {
        AUTODECODER: f"R ≤ {collapsed:.3g}",
        SEMANTIC_DECODER: f"R ≤ {cuts.semantic_rate:g} Ĥ",
        SEMANTIC_ENCODER: f"R > {cuts.semantic_rate:g} Ĥ",
        SYNTACTIC_ENCODER: f"D ≤ {cuts.syntactic:g} Ĥ",
        AUTOENCODER: f"D ≤ {cuts.autoencoder:g} Ĥ",
    }


def line_entries(plane: Plane, comparison: Comparison, unit: str) -> list[Entry]:
    """Every kind of line and ring that is drawn."""
    entries: list[Entry] = []
    if plane.entropy is not None:
        source = written(comparison.entropy_source or "", 60)
        text = f"R + D = Ĥ = {number(plane.entropy)} {unit} ≥ H, from {source}"
        entries.append((Line2D([], [], **ENTROPY), textwrap.fill(text, WRAPPED)))
    if len(plane.hull) > 1:
        entries.append((Line2D([], [], **HULL), "convex hull (mixtures)"))
    if len(plane.points) > 1:
        entries.append((model_handle("o", "white", 0.8), "ringed: Pareto frontier"))
    if any("slope" in r.estimates for r in plane.reports):
        entries.append((Line2D([], [], **TANGENTS), "operating slope, dD/dR = −s"))
    entries.append((Ellipse((0, 0), 1, 1, **ELLIPSES), "95 % ellipse of the data error"))
    if plane.undecoded:
        handle = Line2D([], [], linestyle="none", marker=RATE_ONLY, color=INK)
        entries.append((handle, "no decoder: rate alone"))
    return entries


def model_handle(marker: str, colour: str, edge: float = 0.4) -> Line2D:
    """A marker for the legend."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=4.2,
        markerfacecolor=colour,
        markeredgecolor=INK,
        markeredgewidth=edge,
    )


def ellipse_handle(
    *, legend: Legend, orig_handle: Ellipse, xdescent: float, ydescent: float,
    width: float, height: float, fontsize: float,
) -> Ellipse:  # fmt: skip
    """An ellipse for the legend, which else draws every patch as a box."""
    middle = (width / 2 - xdescent, height / 2 - ydescent)
    return Ellipse(middle, 0.8 * width, 0.9 * height, angle=-20)
