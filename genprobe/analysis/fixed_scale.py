"""A decoder whose scale is one constant is judged beside constants of the same scale.

The blind distortion is that of the best constants of the likelihood's family, the scale included.
A decoder that may not choose its scale, as the one that a squared error stands for, can do worse
than these however much its code tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from genprobe.analysis.notices import ERRORS, ROUNDING, against_blind
from genprobe.errors import Notice
from genprobe.report import Estimate, number

if TYPE_CHECKING:
    from genprobe.estimators.pointwise import FixedScale

JUDGED = "distortion-above-blind"


def judged_at_own_scale(
    notices: Sequence[Notice], estimates: Mapping[str, Estimate], own: FixedScale | None
) -> list[Notice]:
    """Warnings of which the one that D exceeds the blind distortion is of the decoder's own scale.

    Args:
        notices: of the report.
        estimates: by name.
        own: the decoder's scale, where it is one constant.

    Example:
        >>> from genprobe.estimators.pointwise import FixedScale
        >>> own = FixedScale(scale=1.0, best=0.2, blind=780.0)
        >>> above = Notice(code="distortion-above-blind", message="", remedy="")
        >>> found = {
        ...     name: Estimate(name=name, value=value, se=0.0, se_data=None, kind="exact")
        ...     for name, value in {"distortion": 740.0, "blind_distortion": 90.0}.items()
        ... }
        >>> [notice.code for notice in judged_at_own_scale([above], found, own)]
        ['fixed-scale']
    """
    held = against_blind(estimates)
    if own is None or held is None:
        return list(notices)
    return [
        judged(n, own, *held, estimates["blind_distortion"].value) if n.code == JUDGED else n
        for n in notices
    ]


def judged(
    notice: Notice, own: FixedScale, distortion: Estimate, symbol: str, blind: float
) -> Notice:
    """The warning at the decoder's own scale: that D is above blind there too, or that it is not.

    Args:
        notice: that D exceeds the blind distortion.
        own: the decoder's scale.
        distortion: the estimate of D, or without an encoder of −log p(x).
        symbol: of it, with the sign that it is written with.
        blind: that of the best constants, the scale included, nats.
    """
    margin = ROUNDING * abs(own.blind) + ERRORS * (distortion.se or 0.0)
    if distortion.value > own.blind + margin:
        return Notice(
            code=JUDGED,
            message=f"{symbol} {number(distortion.value, 2)} is above a blind decoder's "
            f"{number(own.blind, 2)}.",
            remedy=f"Both have the same scale, {own.scale:.4g}. {notice.remedy}",
        )
    return Notice(
        code="fixed-scale",
        message=f"The decoder's scale is {own.scale:.4g} everywhere, and {own.best:.4g} would suit "
        "it best.",
        remedy=f"{symbol} {number(distortion.value, 2)} is above the blind distortion {blind:.2f}, "
        f"whose scale is fitted, and below the {own.blind:.2f} of a constant decoder of its scale. "
        "The numbers are right for this scale. To compare with decoders of other scales, train "
        "with a fitted scale, or evaluate with the likelihood normal-optimal-sigma.",
    )


def saved_by_best_scale(own: FixedScale, values: int, error: float) -> list[float]:
    """What D of a normal decoder loses at the scale that suits it best, and its error, nats.

    Args:
        own: the decoder's scale.
        values: of one example.
        error: standard error of D, nats.

    Example:
        >>> from genprobe.estimators.pointwise import FixedScale
        >>> own = FixedScale(scale=1.0, best=0.1, blind=780.0)
        >>> print(*(round(each, 2) for each in saved_by_best_scale(own, 100, 0.01)))
        180.76 0.99
    """
    if own.best <= 0 or own.scale <= 0:
        return [0.0, 0.0]
    ratio = (own.best / own.scale) ** 2
    return [values * (ratio - 1 - math.log(ratio)) / 2, abs(1 / ratio - 1) * error]
