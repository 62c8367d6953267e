"""What the marks of a panel mean, in columns of words below it, where they cover nothing."""

from collections.abc import Sequence
from typing import Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.legend_handler import HandlerPatch
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.transforms import blended_transform_factory

from genprobe.render.figure.style import SMALL, marker

WRAPPED = 30
"""Characters a line of a column that is half as wide as a panel."""

Entry = tuple[Artist | tuple[Artist, ...], str]
"""A line of a legend: what is drawn, and what it means."""


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
        entries: from top to bottom; none leave the axes empty.
        side: of the figure, ``left`` or ``right``.
    """
    axes.set_axis_off()
    if not entries:  # a single model of few examples has no ellipse, and perhaps no slope
        return
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


def remark(text: str) -> Entry:
    """A line of words alone."""
    return Line2D([], [], linestyle="none"), text


def model_handle(shape: str, colour: str, edge: float = 0.4) -> Line2D:
    """A marker for the legend."""
    return Line2D([], [], **marker(shape, colour, edge))


def ellipse_handle(
    *, legend: Legend, orig_handle: Ellipse, xdescent: float, ydescent: float,
    width: float, height: float, fontsize: float,
) -> Ellipse:  # fmt: skip
    """An ellipse for the legend, which else draws every patch as a box."""
    middle = (width / 2 - xdescent, height / 2 - ydescent)
    return Ellipse(middle, 0.8 * width, 0.9 * height, angle=-20)
