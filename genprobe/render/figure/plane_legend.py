"""What the shades, markers and lines of the plane mean, in words below it."""

import textwrap

from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Patch

from genprobe.analysis.regimes import (
    AUTODECODER,
    AUTOENCODER,
    ORDER,
    SEMANTIC_DECODER,
    SEMANTIC_ENCODER,
    SYNTACTIC_ENCODER,
    UNDETERMINED,
    Cuts,
)
from genprobe.comparing.comparison import Comparison
from genprobe.render.figure.legend import WRAPPED, Entry, model_handle, remark
from genprobe.render.figure.plane_axes import ELLIPSES, ENTROPY, HULL, RATE_ONLY, TANGENTS
from genprobe.render.figure.plane_points import Plane, written
from genprobe.render.figure.style import COLOURS, INK, MARKERS, tint
from genprobe.render.text.rows import number, sourced


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
        entries.append(remark(f"shade by position; marker, where\n{slope}"))
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
        source = written(sourced(comparison.entropy_source), 65)
        text = f"R + D = Ĥ = {number(plane.entropy)} {unit} ≥ H, {source}"
        entries.append((Line2D([], [], **ENTROPY), textwrap.fill(text, WRAPPED)))
    if len(plane.hull) > 1:
        entries.append((Line2D([], [], **HULL), "convex hull (mixtures)"))
    if len(plane.points) > 1:
        entries.append((model_handle("o", "white", 0.8), "ringed: Pareto frontier"))
    if plane.best:
        entries.append(remark(textwrap.fill(best_words(plane, comparison), WRAPPED)))
    if any("slope" in r.estimates for r in plane.reports):
        entries.append((Line2D([], [], **TANGENTS), "operating slope, dD/dR = −s"))
    entries.append((Ellipse((0, 0), 1, 1, **ELLIPSES), "95 % ellipse of the data error"))
    if plane.undecoded:
        handle = Line2D([], [], linestyle="none", marker=RATE_ONLY, color=INK)
        entries.append((handle, "no decoder: rate alone"))
    return entries


def best_words(plane: Plane, comparison: Comparison) -> str:
    """Which model is in bold, and how sure its place is."""
    sure = {True: "best ELBO beyond doubt", False: "best ELBO, not beyond doubt", None: "best ELBO"}
    return f"bold: {written(plane.best)}, {sure[comparison.best_is_certain]}"
