"""A colour for every regime, which the colour-blind tell apart, for figures and for the page.

The colours are those of Okabe & Ito (2008), "Color universal design".
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
