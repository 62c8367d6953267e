"""The rate-distortion plane: where models lie, what they cost in all, and what none can beat.

Rate to the right, distortion upwards, so the autodecoder is at the top left and the autoencoder at
the bottom right (Alemi et al. 2018, "Fixing a broken ELBO").
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator

from genprobe.analysis.regimes import regions
from genprobe.comparing.comparison import Comparison
from genprobe.render.figure.ellipse import ellipse
from genprobe.render.figure.labels import label_points, obstacles_of
from genprobe.render.figure.plane_points import ALL, Plane, Point, view, written
from genprobe.render.figure.style import COLOURS, FAINT, INK, MARKERS, marker, tint
from genprobe.report import Report

TANGENT = 0.07
"""Half the length of a tangent, as a share of the height of the axes."""
STEPS = (1, 2, 2.5, 5, 10)
RATE_ONLY: Literal[2] = 2  # matplotlib's tick upwards
"""Marker of a model without a decoder, on the axis of rates."""


def draw_ground(axes: Axes, plane: Plane, comparison: Comparison, unit: str) -> None:
    """Everything that does not depend on where the axes come to lie.

    Args:
        axes: to draw on.
        plane: what to draw.
        comparison: what it was made from.
        unit: its name.
    """
    frame(axes, view(plane), unit)
    shade(axes, comparison, plane.scale)
    equal_elbo(axes)
    entropy_line(axes, plane.entropy)
    hull_line(axes, plane)
    error_ellipses(axes, plane.reports, plane.scale)
    markers(axes, plane)


def draw_models(axes: Axes, plane: Plane) -> None:
    """Tangents and names, whose place is counted in pixels of axes that are laid out for good.

    Args:
        axes: of the ground.
        plane: what to draw.
    """
    tangents(axes, plane)
    label_models(axes, plane)


def frame(axes: Axes, ranges: tuple[Point, Point], unit: str) -> None:
    """Axes in rate and distortion.

    Args:
        axes: of the plane.
        ranges: of rate and of distortion that are shown.
        unit: its name.
    """
    rates, distortions = ranges
    axes.set(
        xlim=rates, ylim=distortions, xlabel=f"rate R ({unit})", ylabel=f"distortion D ({unit})"
    )
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=STEPS))


def shade(axes: Axes, comparison: Comparison, scale: float) -> None:
    """Shade the plane by the regime that position gives, where there is an Ĥ."""
    if not comparison.entropy or comparison.entropy < 0:
        return
    for region in regions(comparison.entropy, comparison.cuts):
        (left, right), (bottom, top) = (
            np.clip(np.array(side) / scale, *view)
            for side, view in ((region.rate, axes.get_xlim()), (region.distortion, axes.get_ylim()))
        )
        axes.add_patch(
            Rectangle(
                (left, bottom),
                right - left,
                top - bottom,
                facecolor=tint(COLOURS[region.label]),
                edgecolor="white",
                linewidth=0.8,
                zorder=0,
                gid=region.label,
            )
        )


def equal_elbo(axes: Axes) -> None:
    """Lines of equal R + D, told on the two far sides of the axes."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    costs = MaxNLocator(7, steps=STEPS).tick_values(left + bottom, right + top)
    for cost in costs:
        axes.plot(
            [left, right],
            [cost - left, cost - right],
            color=FAINT,
            linewidth=0.4,
            linestyle=(0, (1, 2)),
            zorder=1,
            scalex=False,
            scaley=False,
            gid="equal-elbo",
        )
    above = axes.secondary_xaxis("top", functions=(moved(top), moved(-top)))
    beside = axes.secondary_yaxis("right", functions=(moved(right), moved(-right)))
    above.xaxis.set_major_locator(FixedLocator([c for c in costs if left <= c - top <= right]))
    beside.yaxis.set_major_locator(FixedLocator([c for c in costs if bottom <= c - right < top]))
    beside.set_ylabel("−ELBO = R + D (dotted)", color=FAINT, labelpad=2)
    for side in (above, beside):
        side.tick_params(labelcolor=FAINT, pad=1.5)


def moved(by: float) -> Callable[[Any], Any]:
    """Adds a number."""
    return lambda values: values + by


def entropy_line(axes: Axes, entropy: float | None) -> None:
    """R + D = Ĥ, where there is an Ĥ."""
    if entropy is not None:
        ends = np.array(axes.get_xlim())
        axes.plot(ends, entropy - ends, zorder=2, scalex=False, scaley=False, **ENTROPY)


ENTROPY: Mapping[str, Any] = {
    "color": INK,
    "linewidth": 1.1,
    "linestyle": (0, (5, 2)),
    "gid": "entropy",
}
HULL: Mapping[str, Any] = {"color": FAINT, "linewidth": 0.8, "gid": "hull"}
TANGENTS: Mapping[str, Any] = {
    "color": INK,
    "linewidth": 0.9,
    "solid_capstyle": "butt",
    "gid": "slope",
}
ELLIPSES: Mapping[str, Any] = {
    "facecolor": "none",
    "edgecolor": INK,
    "linewidth": 0.5,
    "gid": "error",
}


def hull_line(axes: Axes, plane: Plane) -> None:
    """The convex hull of the models: what choosing between them at random reaches."""
    if len(plane.hull) > 1:
        axes.plot(*zip(*(plane.points[i] for i in plane.hull), strict=True), zorder=3, **HULL)


def error_ellipses(axes: Axes, reports: Sequence[Report], scale: float) -> None:
    """The 95 % ellipse of the data error around every model of which it is known.

    Args:
        axes: of the plane.
        reports: of the models.
        scale: nats a unit.
    """
    for corners in map(ellipse, reports):
        if corners is not None:
            axes.add_patch(Polygon(corners / scale, zorder=5, **ELLIPSES))


def markers(axes: Axes, plane: Plane) -> None:
    """A marker at every model, in the shape and colour of its regime, ringed on the frontier."""
    best = set(plane.frontier)
    for i, (report, point) in enumerate(zip(plane.reports, plane.points, strict=True)):
        look = marker(MARKERS[report.regime.label], COLOURS[report.regime.label])
        if i in best:
            look |= {"markeredgewidth": 0.8}
        else:
            look |= {"markeredgecolor": "white"}
        if len(plane.points) > ALL:
            look |= {"markersize": 2.8}
        axes.plot(*point, zorder=7 if i in best else 6, gid="model", **look)
    for report in plane.undecoded:
        axes.plot(
            report["rate"].value / plane.scale,
            axes.get_ylim()[0],
            linestyle="none",
            marker=RATE_ONLY,
            color=INK,
            clip_on=False,
            gid="rate-only",
        )


def tangents(axes: Axes, plane: Plane) -> None:
    """A short line through every named model, along which its own encoder trades R for D."""
    pixels = axes.transData.transform([(0, 0), (1, 1)])
    wide, high = pixels[1] - pixels[0]
    for i in plane.named:
        rate, distortion = plane.points[i]
        if "slope" in plane.reports[i].estimates:
            slope = plane.reports[i]["slope"].value
            reach = TANGENT * axes.bbox.height / float(np.hypot(wide, slope * high))
            axes.plot(
                [rate - reach, rate + reach],
                [distortion + slope * reach, distortion - slope * reach],
                zorder=4,
                scalex=False,
                scaley=False,
                **TANGENTS,
            )


def label_models(axes: Axes, plane: Plane) -> None:
    """Name every model, or of many those on the hull; the best one first, which is then in bold."""
    order = sorted(plane.named, key=lambda i: plane.reports[i].model != plane.best)
    bold = [at for at, i in enumerate(order) if plane.reports[i].model == plane.best]
    names = [written(plane.reports[i].model) for i in order]
    points = [plane.points[i] for i in order]
    if len(plane.undecoded) <= ALL:
        names += [written(r.model) for r in plane.undecoded]
        points += [(r["rate"].value / plane.scale, axes.get_ylim()[0]) for r in plane.undecoded]
    obstacles = obstacles_of(axes, plane.points, ("entropy", "hull", "slope"))
    label_points(axes, names, points, obstacles, bold)
