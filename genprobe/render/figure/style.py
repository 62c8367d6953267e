"""How figures look: small type, and with every colour a marker, a hatch or a line of its own.

So a figure also reads in grey.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from matplotlib import style

from genprobe.analysis.regimes import UNDETERMINED
from genprobe.render import palette

FULL_WIDTH = 6.9
"""Of a page of a paper, inches."""
SMALL = 6.0
"""The smallest type there is, points."""
INK = "#222222"
FAINT = "#777777"
COLOURS = {**palette.COLOURS, UNDETERMINED: "#FFFFFF"}
"""Of the markers: one that no regime claims is hollow, which on a page would not be seen."""

SYMBOLS = {
    "triangle-down": "v",
    "square": "s",
    "circle": "o",
    "pentagon": "p",
    "diamond": "D",
    "triangle-up": "^",
    "x": "X",
}
MARKERS = {regime: SYMBOLS[shape] for regime, shape in palette.MARKERS.items()}
"""Of the regimes, as matplotlib names their shapes."""

STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",  # it comes with matplotlib, so text has one size everywhere
    "font.size": SMALL + 1,
    "axes.titlesize": SMALL + 1.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": SMALL + 1,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
    "legend.frameon": False,
    "legend.borderpad": 0.0,
    "legend.handlelength": 1.6,
    "legend.handletextpad": 0.6,
    "legend.columnspacing": 1.4,
    "legend.labelspacing": 0.35,
    "axes.linewidth": 0.6,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "hatch.linewidth": 0.5,
    "axes.unicode_minus": True,
    "text.parse_math": False,  # a model may be called $x_1$
    "figure.dpi": 300,
    "savefig.dpi": "figure",
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,
    "svg.hashsalt": "genprobe",  # the same figure is the same file
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in genprobe's style whatever the user's own settings are, and leave those as they are.

    A name in a script that the font lacks shows as boxes, which is plain to see without a warning.
    """
    with style.context(["default", dict(STYLE)]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def marker(shape: str, colour: str, edge: float = 0.4) -> dict[str, Any]:
    """How a model is marked: what ``Line2D`` takes.

    Args:
        shape: of matplotlib.
        colour: that fills it.
        edge: width of the line around it, points.
    """
    return {
        "linestyle": "none",
        "marker": shape,
        "markersize": 4.2,
        "markerfacecolor": colour,
        "markeredgecolor": INK,
        "markeredgewidth": edge,
    }


def tint(colour: str, share: float = 0.2) -> tuple[float, float, float]:
    """A colour thinned with white, solid so that it prints alike everywhere.

    Args:
        colour: as ``#RRGGBB``.
        share: of the colour in the mixture.
    """
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (1 - share + share * part for part in parts)
    return r, g, b
