"""A colour and a marker for every regime, for figures and for the page.

The colour-blind tell the colours apart: they are those of Okabe & Ito (2008), "Color universal
design".
"""

from genprobe.analysis.regimes import (
    AUTODECODER,
    AUTOENCODER,
    SEMANTIC_DECODER,
    SEMANTIC_ENCODER,
    SYNTACTIC_ENCODER,
    UNDETERMINED,
)

COLOURS = {
    AUTODECODER: "#555555",
    SEMANTIC_DECODER: "#E69F00",
    SEMANTIC_ENCODER: "#009E73",
    SYNTACTIC_ENCODER: "#56B4E9",
    AUTOENCODER: "#CC79A7",
    UNDETERMINED: "#999999",
}
MARKERS = {
    AUTODECODER: "triangle-down",
    SEMANTIC_DECODER: "square",
    SEMANTIC_ENCODER: "circle",
    SYNTACTIC_ENCODER: "diamond",
    AUTOENCODER: "triangle-up",
    UNDETERMINED: "x",
}
"""The shapes of the markers, by their names in plotly."""
