"""The rate of one model by latent dimension, the largest first."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from genprobe.render.figure.nats import INFORMATION, MISMATCH, PART_STYLES
from genprobe.render.figure.style import FAINT
from genprobe.report import Dimension, number

SHOWN = 50
"""Dimensions with a bar of their own."""
NUMBERED = 20
"""Up to so many bars, each has the number of its dimension below it."""
WIDE = 0.75
"""Of a bar."""
IDLE = {"facecolor": "white", "edgecolor": FAINT}


def ranked(dimensions: Sequence[Dimension]) -> list[tuple[float, Dimension]]:
    """The dimensions whose rate is known, with it, the largest first."""
    known = [(max(0.0, d.rate), d) for d in dimensions if d.rate is not None]
    return sorted(known, key=lambda pair: -pair[0])


def draw_dimensions(axes: Axes, dimensions: Sequence[Dimension], scale: float, unit: str) -> None:
    """A bar a dimension: KL_d = I(n;z_d) + KL(q(z_d)‖p(z_d)), the second part below the first.

    Args:
        axes: to draw on.
        dimensions: of one model, with their rates.
        scale: nats a unit.
        unit: its name.
    """
    every = ranked(dimensions)
    shown, rest = every[:SHOWN], every[SHOWN:]
    aggregates = [min(rate, max(0.0, d.aggregate_kl or 0.0)) / scale for rate, d in shown]
    for active, label, look in (
        (True, "information I(n;z_d)" if any(aggregates) else "active", PART_STYLES[INFORMATION]),
        (False, "not active", IDLE),
    ):
        bars = [
            (place, rate / scale - below, below)
            for place, ((rate, d), below) in enumerate(zip(shown, aggregates, strict=True))
            if (d.active is not False) == active
        ]
        if bars:
            places, heights, below = zip(*bars, strict=True)
            axes.bar(places, heights, WIDE, below, label=label, linewidth=0.4, **look)
    if any(aggregates):
        label = "KL(q(z_d)‖p(z_d))"
        axes.bar(
            range(len(shown)), aggregates, WIDE, label=label, linewidth=0.4, **PART_STYLES[MISMATCH]
        )
    axes.legend(loc="upper right")
    axes.set(xlim=(-0.8, len(shown) - 0.2), ylabel=f"KL_d ({unit})")
    axes.set_xlabel("latent dimension" + more(rest, scale, unit))
    if len(shown) <= NUMBERED:
        axes.set_xticks(range(len(shown)), [str(d.index) for _, d in shown])
    axes.spines[["top", "right"]].set_visible(False)


def more(rest: Sequence[tuple[float, Dimension]], scale: float, unit: str) -> str:
    """What the dimensions without a bar come to."""
    if not rest:
        return ""
    total = sum(rate for rate, _ in rest) / scale
    return f", by rank; {len(rest)} more: {number(total)} {unit} in all"
