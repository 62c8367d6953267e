"""The panels of a figure with their legends: side by side, or on a narrow page in one column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genprobe.render.figure.labels import figure_of
from genprobe.render.figure.legend import Entry, height_of, write_legend

GAP = 0.15
"""Inches below a legend."""
NARROW = 5.0
"""Inches of width below which the panels stand one below another."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of a figure.

    Attributes:
        title: above it.
        height: of its axes, inches.
        legend: what is written below, in one column or two.
        below: inches that are kept for the legend at least.
    """

    title: str
    height: float
    legend: Sequence[Sequence[Entry]] = ()
    below: float = 0.0

    @property
    def legend_height(self) -> float:
        """Inches that the legend takes."""
        return max(self.below, GAP + max(map(height_of, self.legend)))


def lay_out(panels: Mapping[str, Panel], width: float, beside: bool) -> dict[str, Axes]:
    """Axes for every panel.

    Args:
        panels: by name, from top to bottom.
        width: of the figure, inches.
        beside: whether the first stands beside the others, if there is room.
    """
    names = list(panels)
    split = beside and len(names) > 1 and width >= NARROW
    columns = [names[:1], names[1:]] if split else [names]
    rows = [list(panel_rows(column, panels)) for column in columns]
    height = max(sum(inches for _, inches in column) for column in rows)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes: dict[str, Axes] = {}
    parts = figure.subfigures(1, len(columns), squeeze=False)[0]
    for part, column in zip(parts, rows, strict=True):
        axes |= part.subplot_mosaic(
            [[name] for name, _ in column], height_ratios=[inches for _, inches in column]
        )
    for name, panel in panels.items():
        for place, entries in enumerate(panel.legend):
            write_legend(axes[f"{name} legend"], entries, "right" if place else "left")
    for letter, name in zip("abc", names, strict=False):
        top = any(name == column[0] for column in columns)  # where the plane has numbers below it
        axes[name].set_title(f"{letter}  {panels[name].title}", y=1.0, pad=14 if top else 5)
    return axes


def panel_rows(names: Sequence[str], panels: Mapping[str, Panel]) -> Iterator[tuple[str, float]]:
    """Panels and legends with their heights in inches, from top to bottom."""
    for name in names:
        yield name, panels[name].height
        if panels[name].legend:
            yield f"{name} legend", panels[name].legend_height


def settle(axes: Axes) -> Figure:
    """Lay a figure out for good, so that things can be placed on it by pixels.

    Args:
        axes: any of the figure's.
    """
    figure = figure_of(axes)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
