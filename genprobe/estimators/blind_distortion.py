"""D₀: the distortion of the best decoder that ignores its code, a constant one.

From streamed moments of the data. A model whose D exceeds D₀ has learnt less than nothing.
"""

from genprobe.report import Estimate


def blind_distortion(blind: float, n: int) -> Estimate:
    """The zero-rate distortion, nats per example.

    Args:
        blind: from the likelihood and the data's moments.
        n: number of examples.
    """
    return Estimate(name="blind_distortion", value=blind, se=0.0, se_data=None, kind="exact", n=n)
