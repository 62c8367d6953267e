"""BD-rate between two sweeps, with an interval over the images.

The interval is a percentile bootstrap over images: both sweeps have the same ones, and the same
resample of them in every replicate. Equal examples are resampled together. It says what other
images would change, not what training anew would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from genprobe.errors import DataError, UsageError
from genprobe_images.bjontegaard_rate import Method, bd_rate, overlap, rising
from genprobe_images.curves import QUALITIES, Curve, curve_of

LEVEL = 0.95
RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class BDRate:
    """The BD-rate of one sweep against another.

    Attributes:
        value: by which share the rate differs at the same quality; −0.1 is a tenth less.
        interval: of 95 %, over images; None where it is not known.
        no_interval: why it is not.
        method: of the interpolation.
        by_method: the value by each method of interpolation.
        quality: name of the quality.
        low: the worst quality that both curves reach.
        high: the best one.
        reference: the curve that the other is compared with.
        curve: the other.
    """

    value: float
    interval: tuple[float, float] | None
    no_interval: str
    method: Method
    by_method: dict[str, float]
    quality: str
    low: float
    high: float
    reference: Curve
    curve: Curve


def compare_sweeps(
    reference: str | Path | Sequence[str | Path],
    other: str | Path | Sequence[str | Path],
    *,
    quality: str = "psnr",
    method: Method = "akima",
    side: str = "held-out",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BDRate:
    """The BD-rate of a sweep against a reference, with an interval over the images.

    Args:
        reference: the folder of a sweep, a pattern of stores or reports, or their paths.
        other: the same of the sweep that is compared.
        quality: ``psnr``, ``ssim``, ``ms_ssim`` or ``distortion`` (−D).
        method: ``akima`` or ``pchip``.
        side: of a sweep's folder: ``held-out`` or ``training``; that which there is, if only one.
        resamples: replicates of the interval.
        seed: of the resamples.

    Raises:
        GenprobeError: if there are no curves, of the same images, that rise and overlap.
    """
    if quality not in QUALITIES:
        raise UsageError(
            f"There is no quality {quality!r}.", f"Name one of {', '.join(QUALITIES)}."
        )
    one, two = (curve_of(source, quality, side) for source in (reference, other))
    if one.data != two.data:
        raise DataError(
            f"{one.name} and {two.name} are of different data: their rates do not compare.",
            "Evaluate both sweeps on the same images.",
        )
    points = (one.rates, one.qualities, two.rates, two.qualities)
    by_method = {way: bd_rate(*points, method=way) for way in ("akima", "pchip")}
    low, high = overlap(rising(one.name, *points[:2])[1], rising(two.name, *points[2:])[1])
    interval, reason = interval_of(one, two, method, resamples, seed)
    return BDRate(
        value=bd_rate(*points, method=method),
        interval=interval,
        no_interval=reason,
        method=method,
        by_method=by_method,
        quality=quality,
        low=low,
        high=high,
        reference=one,
        curve=two,
    )


def interval_of(
    one: Curve, two: Curve, method: Method, resamples: int, seed: int
) -> tuple[tuple[float, float] | None, str]:
    """The interval of 95 % over images, or None and why not.

    Args:
        one: the reference.
        two: the other.
        method: of the interpolation.
        resamples: replicates.
        seed: of the resamples.
    """
    columns = (one.rate_each, one.quality_each, two.rate_each, two.quality_each)
    if any(each is None for each in columns) or one.which is None or two.which is None:
        return None, "it takes the stores of all models"
    if not np.array_equal(one.which, two.which):
        return None, "the stores hold other images, or in another order"
    each = np.concatenate([column for column in columns if column is not None])
    means = resampled_means(each, one.which, resamples, seed)
    cuts = np.cumsum([len(column) for column in columns if column is not None])[:-1]
    found, lost = [], 0
    for row in means:
        try:
            found.append(bd_rate(*np.split(row, cuts), method=method))
        except DataError:
            lost += 1
    if lost:
        return None, f"in {lost} of {resamples} resamples of the images a curve does not rise"
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(found, [tail, 100 - tail])
    return (float(low), float(high)), ""


def resampled_means(
    each: Float64[np.ndarray, "columns n"], which: np.ndarray, resamples: int, seed: int
) -> Float64[np.ndarray, "resamples columns"]:
    """Means of columns over resamples of the distinct images, the same ones for all columns.

    Args:
        each: (columns, n).
        which: (n,) the distinct image that each is.
        resamples: replicates.
        seed: of the resamples.
    """
    _, cluster, sizes = np.unique(which, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), len(each) + 1))
    np.add.at(sums, cluster, np.column_stack([each.T, np.ones(each.shape[1])]))
    generator = np.random.default_rng(seed)
    means = []
    for _ in range(resamples):
        drawn = np.bincount(generator.integers(len(sizes), size=len(sizes)), minlength=len(sizes))
        totals = drawn @ sums
        means.append(totals[:-1] / totals[-1])
    return np.stack(means)
