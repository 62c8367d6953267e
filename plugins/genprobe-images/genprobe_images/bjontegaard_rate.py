r"""BD-rate: by how much one rate-distortion curve has another rate than a reference.

.. math::

    \mathrm{BD} = \exp\Big(\frac1{b - a} \int_a^b \log \frac{R(Q)}{R_0(Q)}\, dQ\Big) - 1

over the qualities Q that both curves reach, with log R interpolated over Q (Bjøntegaard 2001,
VCEG-M33) by Akima's piecewise cubics (Akima 1970), as the codecs' working groups now have it, or by
monotone ones (PCHIP, Fritsch & Butland 1984) in place of one cubic for all points. −0.1 is a tenth
less rate at the same quality. The unit of the rate cancels, as does the base of its logarithm.
"""

from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float64

from genprobe.errors import DataError, UsageError

Method: TypeAlias = Literal["akima", "pchip"]
METHODS = ("akima", "pchip")
FEWEST = 4
"""Points of a curve."""

Points: TypeAlias = Float64[np.ndarray, " points"]


def bd_rate(
    reference_rates: Points,
    reference_qualities: Points,
    rates: Points,
    qualities: Points,
    *,
    method: Method = "akima",
) -> float:
    """The Bjøntegaard difference of the rate: −0.1 where the second curve takes a tenth less.

    Args:
        reference_rates: (points,) of the one curve, in any unit.
        reference_qualities: (points,) of it, larger being better: PSNR in dB, SSIM, or −D.
        rates: (points,) of the curve that is compared, in the same unit.
        qualities: (points,) of it.
        method: ``akima`` or ``pchip``.

    Raises:
        DataError: if a curve has fewer than four points, has a rate that is not positive, does not
            rise, or the two reach no quality in common.
        UsageError: for another method.

    Example:
        >>> rates, qualities = np.array([1.0, 2.0, 4.0, 8.0]), np.array([20.0, 24.0, 27.0, 29.0])
        >>> round(bd_rate(rates, qualities, 0.9 * rates, qualities), 9)
        -0.1
    """
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r}.", f"Methods are {', '.join(METHODS)}.")
    one = rising("the reference", reference_rates, reference_qualities)
    other = rising("the other", rates, qualities)
    low, high = overlap(one[1], other[1])
    areas = [area(*curve, low, high, method) for curve in (one, other)]
    return float(np.expm1((areas[1] - areas[0]) / (high - low)))


def rising(name: str, rates: Points, qualities: Points) -> tuple[Points, Points]:
    """Rates and qualities of a curve from the lowest rate to the highest.

    Args:
        name: of the curve, for errors.
        rates: (points,).
        qualities: (points,).

    Raises:
        DataError: if it has too few points, is not finite, has a rate that is not positive, or a
            higher rate with no better quality.
    """
    rates, qualities = np.asarray(rates, float), np.asarray(qualities, float)
    if rates.shape != qualities.shape or rates.ndim != 1 or len(rates) < FEWEST:
        raise DataError(
            f"No BD-rate: {name} curve has {len(rates)} rates and {len(qualities)} qualities, and "
            f"it takes {FEWEST} points or more."
        )
    order = np.argsort(rates, kind="stable")
    rates, qualities = rates[order], qualities[order]
    if not (np.isfinite(rates).all() and np.isfinite(qualities).all() and rates[0] > 0):
        raise DataError(f"No BD-rate: {name} curve has a rate or quality without a logarithm.")
    flat = np.flatnonzero((np.diff(qualities) <= 0) | (np.diff(rates) <= 0))
    if len(flat):
        i = int(flat[0])
        raise DataError(
            f"No BD-rate: {name} curve is not monotone: from rate {rates[i]:.4g} to "
            f"{rates[i + 1]:.4g} quality goes from {qualities[i]:.4g} to {qualities[i + 1]:.4g}."
        )
    return rates, qualities


def overlap(one: Points, other: Points) -> tuple[float, float]:
    """The qualities that both curves reach, from the lowest to the highest.

    Raises:
        DataError: if there are none.
    """
    low, high = float(max(one[0], other[0])), float(min(one[-1], other[-1]))
    if low >= high:
        raise DataError(
            f"No BD-rate: the curves do not overlap: the reference has qualities from {one[0]:.4g} "
            f"to {one[-1]:.4g}, the other from {other[0]:.4g} to {other[-1]:.4g}."
        )
    return low, high


def area(rates: Points, qualities: Points, low: float, high: float, method: Method) -> float:
    """The integral of log R over the quality."""
    from scipy.interpolate import Akima1DInterpolator, PchipInterpolator

    made = {"akima": Akima1DInterpolator, "pchip": PchipInterpolator}[method]
    return float(made(qualities, np.log(rates)).integrate(low, high))
