"""The rate-distortion plane on matplotlib's axes: where models lie, and what none can beat."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator

from genprobe.render.decoder_curve import PROGRESSIVE
from genprobe.render.figure.labels import label_points, obstacles_of
from genprobe.render.figure.style import COLOURS, FAINT, INK, MARKERS, marker, tint
from genprobe.render.plane import ALL, PlacedModel, Plane, Polyline, Window, regions_within
from genprobe.render.plane_labels import axis_titles, number_labels, one_line
from genprobe.render.plane_lines import STEPS, cost_line, equal_elbo_lines, tangent

LINES = ("entropy", "hull", "slope", "decoder-curve", "progressive-curve")
"""What a name must not cover."""
TANGENT = 0.07
"""Half the length of a tangent, as a share of the height of the axes."""
RATE_ONLY: Literal[2] = 2  # matplotlib's tick upwards
"""Marker of a model without a decoder, on the axis of rates."""

EQUAL_ELBO: Mapping[str, Any] = {
    "color": FAINT,
    "linewidth": 0.4,
    "linestyle": (0, (1, 2)),
    "gid": "equal-elbo",
}
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


def draw_ground(axes: Axes, plane: Plane) -> None:
    """Everything that does not depend on where the axes come to lie.

    Args:
        axes: to draw on.
        plane: what to draw.
    """
    draw_window(axes, plane.window, plane.unit)
    draw_regions(axes, plane)
    draw_equal_elbo(axes, plane.window)
    if plane.entropy is not None:
        draw_line(axes, cost_line(plane.entropy, plane.window.rates), zorder=2, **ENTROPY)
    if len(plane.hull) > 1:
        axes.plot(*zip(*plane.hull_line, strict=True), zorder=3, **HULL)
    draw_ellipses(axes, plane.models)
    draw_markers(axes, plane)


def draw_models(axes: Axes, plane: Plane) -> None:
    """Tangents and names, whose place is counted in pixels of axes that are laid out for good.

    Args:
        axes: of the ground.
        plane: what to draw.
    """
    draw_tangents(axes, plane)
    label_models(axes, plane)


def draw_window(axes: Axes, window: Window, unit: str) -> None:
    """Axes in rate and distortion.

    Args:
        axes: of the plane.
        window: that is shown.
        unit: its name.
    """
    across, up = axis_titles(unit)
    axes.set(xlim=window.rates, ylim=window.distortions, xlabel=across, ylabel=up)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=STEPS))


def draw_line(axes: Axes, line: Polyline, **style: Any) -> None:
    """A line that does not move the limits of the axes."""
    axes.plot(*zip(*line, strict=True), scalex=False, scaley=False, **style)


def draw_regions(axes: Axes, plane: Plane) -> None:
    """Shade the plane by the regime that position gives, where there is an Ĥ."""
    for region in regions_within(plane, plane.window):
        (left, right), (bottom, top) = region.rate, region.distortion
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


def draw_equal_elbo(axes: Axes, window: Window) -> None:
    """Lines of equal R + D, with their numbers on the two far sides of the axes."""
    lines = equal_elbo_lines(window)
    for line in lines:
        draw_line(axes, line.ends, zorder=1, **EQUAL_ELBO)
    right, top = window.rates[1], window.distortions[1]
    above = axes.secondary_xaxis("top", functions=(shifted(top), shifted(-top)))
    beside = axes.secondary_yaxis("right", functions=(shifted(right), shifted(-right)))
    above.xaxis.set_major_locator(FixedLocator([line.cost for line in lines if line.at_top]))
    beside.yaxis.set_major_locator(FixedLocator([line.cost for line in lines if line.at_right]))
    beside.set_ylabel("−ELBO = R + D (dotted)", color=FAINT, labelpad=2)
    for side in (above, beside):
        side.tick_params(labelcolor=FAINT, pad=1.5)


def shifted(by: float) -> Callable[[Any], Any]:
    """Adds a number."""
    return lambda values: values + by


def draw_ellipses(axes: Axes, models: Sequence[PlacedModel]) -> None:
    """The 95 % ellipse of the data error around every model of which it is known.

    Args:
        axes: of the plane.
        models: at their places.
    """
    for model in models:
        if model.ellipse is not None:
            axes.add_patch(Polygon(model.ellipse, zorder=5, **ELLIPSES))


def model_marks(plane: Plane) -> dict[str, dict[str, Any]]:
    """How every model is marked, by its name: in its colour and the shape of its regime.

    Args:
        plane: of the models.
    """
    return {m.name: marker(MARKERS[m.regime], m.colour) for m in plane.models}


def draw_markers(axes: Axes, plane: Plane) -> None:
    """A marker at every model in its colour and the shape of its regime, ringed on the frontier."""
    best, marks = set(plane.frontier), model_marks(plane)
    for i, model in enumerate(plane.models):
        look = marks[model.name]
        if i in best:
            look |= {"markeredgewidth": 0.8}
        else:
            look |= {"markeredgecolor": "white"}
        if len(plane.models) > ALL:
            look |= {"markersize": 2.8}
        axes.plot(*model.position, zorder=7 if i in best else 6, gid="model", **look)
    for encoder in plane.undecoded:
        axes.plot(
            encoder.rate,
            plane.window.distortions[0],
            linestyle="none",
            marker=RATE_ONLY,
            color=INK,
            clip_on=False,
            gid="rate-only",
        )


def draw_tangents(axes: Axes, plane: Plane) -> None:
    """A short line through every labelled model, of one length whatever its slope."""
    origin, unit = axes.transData.transform([(0, 0), (1, 1)])
    across, up = unit - origin
    for i in plane.labelled:
        line = tangent(plane.models[i], TANGENT * axes.bbox.height, (across, up))
        if line is not None:
            draw_line(axes, line, zorder=4, **TANGENTS)


def label_models(axes: Axes, plane: Plane) -> None:
    """Name or number every model, or of many those on the hull.

    The best comes first, in bold, and then the frontier.
    """
    front = {plane.models[i].name for i in plane.frontier}
    models = sorted(
        (plane.models[i] for i in plane.labelled),
        key=lambda m: (m.name != plane.best, m.name not in front),
    )
    bold = [at for at, model in enumerate(models) if model.name == plane.best]
    numbers = number_labels(plane)
    names = [numbers.get(model.name, one_line(model.name)) for model in models]
    points = [model.position for model in models]
    if len(plane.undecoded) <= ALL:
        names += [one_line(encoder.name) for encoder in plane.undecoded]
        points += [(encoder.rate, plane.window.distortions[0]) for encoder in plane.undecoded]
    placed = {model.index for model in plane.models}
    for curve in plane.curves:
        own = curve.kind == PROGRESSIVE and curve.index in placed
        if curve.gap is None and not own:  # no model at the end of an arrow has the name
            names.append(one_line(curve.name))
            points.append(curve.points[len(curve.points) // 2])
    obstacles = obstacles_of(axes, plane.positions, LINES)
    label_points(axes, names, points, obstacles, bold)
