"""The curves on matplotlib's axes: of decoders, with an arrow from the model, and of chains."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from genprobe.render.decoder_curve import PROGRESSIVE
from genprobe.render.plane import Plane

CURVE: Mapping[str, Any] = {
    "linewidth": 1.0,
    "marker": "o",
    "markersize": 1.8,
    "gid": "decoder-curve",
}
PROGRESS: Mapping[str, Any] = {
    **CURVE,
    "linestyle": (0, (4, 1.5)),
    "markersize": 2.6,
    "gid": "progressive-curve",
}
ARROW: Mapping[str, Any] = {
    "arrowstyle": "->",
    "linewidth": 0.9,
    "shrinkA": 3.0,
    "shrinkB": 0.0,
    "mutation_scale": 7.0,
}


def draw_decoder_curves(axes: Axes, plane: Plane) -> None:
    """The best that any encoder could reach with each decoder, and how far its own is from there.

    Of a chain, R and D as ever more of it is known.

    Args:
        axes: of the plane.
        plane: what to draw.
    """
    for curve in plane.curves:
        line = curve.line
        x, y = zip(*line, strict=True)
        look = PROGRESS if curve.kind == PROGRESSIVE else CURVE
        style = {**look, "color": curve.colour, "markevery": [line.index(p) for p in curve.points]}
        axes.plot(x, y, scalex=False, scaley=False, zorder=4, **style)
        if curve.gap is not None:
            place, best = curve.gap
            axes.annotate(
                "",
                xy=best,
                xytext=place,
                arrowprops={**ARROW, "color": curve.colour},
                annotation_clip=True,
                zorder=5,
                gid="inference-gap",
            )
