r"""Blind distortion: that of the best decoder that ignores its code, a constant one.

.. math::

    D_0 = \min_\theta \frac1N \sum_n -\log p_\theta(x_n)

Exact for these data: θ are the constant parameters of the likelihood's family, found from streamed
moments of the data. A model whose D exceeds D₀ has learnt less than nothing. The point of rate zero
on the rate-distortion plane of Alemi et al. (2018), "Fixing a broken ELBO".
"""

from genprobe.report import Estimate


def blind_distortion(blind: float, n: int) -> Estimate:
    """The zero-rate distortion, nats per example.

    Args:
        blind: from the likelihood and the data's moments, nats.
        n: number of examples.

    Example:
        >>> blind_distortion(24.4, n=1797).kind
        'exact'
    """
    return Estimate(name="blind_distortion", value=blind, se=0.0, se_data=None, kind="exact", n=n)
