"""A colour for every model, a marker and a tint for every regime, for figures and for the page.

The tints are of the colours of Okabe & Ito (2008), "Color universal design". The colours of models
were searched for: by normal and by colour-blind eyes (Machado, Oliveira & Fernandes 2009, "A
physiologically-based model for simulation of color vision deficiency") each is at least 20 units of
CIELAB from every other and from every tint, in the light and in the dark.
"""

from collections.abc import Sequence

from genprobe.analysis.regimes import (
    AUTODECODER,
    AUTOENCODER,
    KNEE,
    SEMANTIC_DECODER,
    SEMANTIC_ENCODER,
    SYNTACTIC_ENCODER,
    UNDETERMINED,
)
from genprobe.comparing.comparison import Comparison

COLOURS = {
    AUTODECODER: "#555555",
    SEMANTIC_DECODER: "#E69F00",
    KNEE: "#D55E00",
    SEMANTIC_ENCODER: "#009E73",
    SYNTACTIC_ENCODER: "#56B4E9",
    AUTOENCODER: "#CC79A7",
    UNDETERMINED: "#999999",
}
MARKERS = {
    AUTODECODER: "triangle-down",
    SEMANTIC_DECODER: "square",
    KNEE: "pentagon",
    SEMANTIC_ENCODER: "circle",
    SYNTACTIC_ENCODER: "diamond",
    AUTOENCODER: "triangle-up",
    UNDETERMINED: "x",
}
"""The shapes of the markers, by their names in plotly."""

MODELS = (
    "#0000FF", "#E04000", "#008060", "#FFA000", "#800080", "#80C0FF",
    "#FF40C0", "#C0A060", "#A00000", "#60FF60", "#8000C0", "#C060FF",
)  # fmt: skip
"""Of models, in their order."""
OTHER = "#8C959F"
"""Of a model that is one of too many for a colour of its own."""


def model_colours(count: int, first: Sequence[int] = ()) -> tuple[str, ...]:
    """A colour for each of several models; of too many, for the first alone.

    Args:
        count: how many models there are.
        first: positions of those that have a colour before others, if not all can.

    >>> model_colours(2)
    ('#0000FF', '#E04000')
    """
    if count <= len(MODELS):
        return MODELS[:count]
    own = dict(zip(dict.fromkeys(first), MODELS, strict=False))
    return tuple(own.get(i, OTHER) for i in range(count))


def colours_of(comparison: Comparison) -> tuple[str, ...]:
    """The colour of every model; of many, those on the hull and then the frontier have one.

    Args:
        comparison: of one model or several.
    """
    return model_colours(len(comparison.reports), (*comparison.hull, *comparison.frontier))
