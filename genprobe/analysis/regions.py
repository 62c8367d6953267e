"""The parts of the rate-distortion plane in which position alone tells the regime."""

import math
from dataclasses import dataclass

from genprobe.analysis.regimes import (
    AUTODECODER,
    AUTOENCODER,
    DEFAULT_CUTS,
    SEMANTIC_DECODER,
    SEMANTIC_ENCODER,
    SYNTACTIC_ENCODER,
    Cuts,
)


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rectangle of the plane in which position gives one label.

    Attributes:
        label: of every point in it.
        rate: the rates above the first and up to the second, nats.
        distortion: the distortions above the first and up to the second, nats.
    """

    label: str
    rate: tuple[float, float]
    distortion: tuple[float, float]


def regions(entropy: float, cuts: Cuts = DEFAULT_CUTS) -> tuple[Region, ...]:
    """The plane as ``label`` divides it where no slope is known; none of them is empty.

    Args:
        entropy: Ĥ, nats; positive.
        cuts: thresholds.
    """
    collapsed = max(cuts.collapsed_nats, cuts.collapsed_share * entropy)
    encoder = max(collapsed, cuts.semantic_rate * entropy)
    auto = cuts.autoencoder * entropy
    syntactic = max(auto, cuts.syntactic * entropy)
    found = (
        Region(label=AUTODECODER, rate=(-math.inf, collapsed), distortion=(-math.inf, math.inf)),
        Region(label=SEMANTIC_DECODER, rate=(collapsed, encoder), distortion=(syntactic, math.inf)),
        Region(label=SEMANTIC_ENCODER, rate=(encoder, math.inf), distortion=(syntactic, math.inf)),
        Region(label=SYNTACTIC_ENCODER, rate=(collapsed, math.inf), distortion=(auto, syntactic)),
        Region(label=AUTOENCODER, rate=(collapsed, math.inf), distortion=(-math.inf, auto)),
    )
    return tuple(r for r in found if r.rate[0] < r.rate[1] and r.distortion[0] < r.distortion[1])
