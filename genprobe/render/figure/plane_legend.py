"""What the shades, markers and lines of the plane mean, in words below it."""

import textwrap

from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Patch

from genprobe.render.decoder_curve import PROGRESSIVE
from genprobe.render.figure.legend import WRAPPED, Entry, model_handle, remark
from genprobe.render.figure.plane_axes import ELLIPSES, ENTROPY, HULL, RATE_ONLY, TANGENTS
from genprobe.render.figure.plane_curves import CURVE, PROGRESS
from genprobe.render.figure.style import COLOURS, INK, MARKERS, tint
from genprobe.render.plane import Plane, regime_keys
from genprobe.render.plane_labels import (
    best_label,
    entropy_label,
    number_labels,
    regime_boundaries,
)
from genprobe.render.progressive_plane import progressive_meanings


def plane_entries(plane: Plane) -> tuple[list[Entry], list[Entry]]:
    """The two columns below the plane: the regimes, and everything else.

    Args:
        plane: what is drawn there.
    """
    return regime_entries(plane), plane_line_entries(plane)


def regime_entries(plane: Plane) -> list[Entry]:
    """Shade, marker and boundaries of every regime; without an Ĥ, of those that models have."""
    boundaries = regime_boundaries(plane)
    entries: list[Entry] = []
    for key in regime_keys(plane):
        marker = model_handle(MARKERS[key.label], "white")
        patch = Patch(facecolor=tint(COLOURS[key.label]), edgecolor="none")
        text = f"{key.label}: {boundaries[key.label]}" if key.label in boundaries else key.label
        entries.append(((patch, marker) if key.shaded else marker, text))
    if plane.entropy is not None:
        low, high = (f"{cut:g}" for cut in (plane.cuts.knee_low, plane.cuts.knee_high))
        slope = f"semantic, by slope: knee {low}–{high}"
        entries.append(remark(f"shade by position; marker, where\n{slope}"))
    return entries


def plane_line_entries(plane: Plane) -> list[Entry]:
    """Every kind of line and ring that is drawn."""
    entries: list[Entry] = []
    if len(plane.models) > 1:
        numbers = "; number: its place in the table" if number_labels(plane) else ""
        text = f"colour: the model{numbers}; shape: its regime"
        entries.append(remark(textwrap.fill(text, WRAPPED)))
    if plane.entropy is not None:
        text = textwrap.fill(entropy_label(plane, " ≥ H"), WRAPPED)
        entries.append((Line2D([], [], **ENTROPY), text))
    if len(plane.hull) > 1:
        entries.append((Line2D([], [], **HULL), "convex hull (mixtures)"))
    if len(plane.models) > 1:
        entries.append((model_handle("o", "white", 0.8), "ringed: Pareto frontier"))
    if plane.best:
        entries.append(remark(textwrap.fill(f"bold: {best_label(plane)}", WRAPPED)))
    if any(model.slope is not None for model in plane.models):
        entries.append((Line2D([], [], **TANGENTS), "operating slope, dD/dR = −s"))
    entries += decoder_entries(plane)
    if any(model.ellipse is not None for model in plane.models):
        entries.append((Ellipse((0, 0), 1, 1, **ELLIPSES), "95 % ellipse of the data error"))
    if plane.undecoded:
        handle = Line2D([], [], linestyle="none", marker=RATE_ONLY, color=INK)
        entries.append((handle, "no decoder: rate alone"))
    return entries


def decoder_entries(plane: Plane) -> list[Entry]:
    """The curves of the decoders and the arrows to them, and those of chains."""
    entries: list[Entry] = []
    for meaning in progressive_meanings(plane.curves):
        known = textwrap.fill(meaning, WRAPPED)
        entries.append((Line2D([], [], color=INK, **PROGRESS), known))
    if all(curve.kind == PROGRESSIVE for curve in plane.curves):
        return entries
    text = textwrap.fill("the best any encoder could reach with this decoder", WRAPPED)
    arrows = any(curve.gap for curve in plane.curves)
    gap = [remark("arrow: the inference gap")] if arrows else []
    return [*entries, (Line2D([], [], color=INK, **CURVE), text), *gap]
