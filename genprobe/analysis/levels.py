r"""What each level of a chain of latents costs, and what it says of x, from a store.

.. math::

    R = \sum_l R_l, \qquad
    R_l = \mathbb E\,\mathrm{KL}(q(z_l|z_{<l}, x)\,\|\,p(z_l|z_{<l}))
"""

import dataclasses
import math
from collections.abc import Sequence

import torch

from genprobe.analysis.withheld import LEAST_EXAMPLES, stated
from genprobe.encoding.chain_cuts import cuts_of, known_levels, level_name
from genprobe.errors import UnavailableError
from genprobe.estimators.pointwise import add_means, log_bin
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.standard_error import mean_over_examples
from genprobe.report import Estimate
from genprobe.report.levels import DEAD_NATS, Level
from genprobe.report.progressive_curve import DISTORTION, RATE, ProgressiveCurve, ProgressivePoint
from genprobe.store.read import Store


def levels_of(store: Store, quantities: Quantities) -> tuple[Level, ...]:
    """The levels of a chain, the first of them first; none of any other model.

    Args:
        store: finished.
        quantities: of the store.
    """
    return tuple(
        Level(
            name=level_name(i),
            estimates={
                "rate": rate_of(store, quantities, i),
                **active_in(store, i, quantities.n),
            },
            shape=shape,
            family=family,
        )
        for i, (family, shape) in enumerate(store.header.levels, 1)
    )


def rate_of(store: Store, quantities: Quantities, level: int) -> Estimate:
    """The rate of one level, nats per example: over the draws of those before it.

    Args:
        store: finished.
        quantities: of the store.
        level: counted from 1.
    """
    if level == 1:
        values, exact = quantities.code_rate, quantities.code_rate_analytic
    else:
        values, exact = store.column("levels/rate")[:, :, level - 2], False
    return mean_over_examples("rate", values, exact=exact, which=quantities.which)


def active_in(store: Store, level: int, n: int) -> dict[str, Estimate]:
    """How many dimensions of a level cost at least 0.01 nat; empty where it does not factorise.

    A posterior mean that varies says little below the first level, where its prior varies too.

    Args:
        store: finished.
        level: counted from 1.
        n: number of examples.
    """
    rates = store.level_dimensions(level)
    if rates is None:
        return {}
    count = float((rates >= DEAD_NATS).sum())
    return {
        "active_units": Estimate(
            name="active_units",
            value=count,
            se=None,
            se_data=None,
            kind="estimate",
            unit="count",
            n=n,
        )
    }


def stated_levels(levels: Sequence[Level], n: int) -> tuple[Level, ...]:
    """The levels without the errors over the data that so few examples do not support.

    Args:
        levels: of a chain.
        n: number of examples that differ.
    """
    if n >= LEAST_EXAMPLES:
        return tuple(levels)
    return tuple(dataclasses.replace(e, estimates=stated(e.estimates, n)) for e in levels)


def progressive_curve(store: Store, quantities: Quantities) -> ProgressiveCurve | None:
    """R and D as ever more levels are known, the others drawn from their priors.

    R is of all examples; D of those that were probed, and of the whole chain of all.

    Args:
        store: finished.
        quantities: of the store.

    Returns:
        None of a model without a chain or a decoder.
    """
    count = len(store.header.levels)
    try:
        whole = quantities.distortion
    except UnavailableError:
        return None
    if not store.has("subset/level_distortion"):
        return None
    guessed = store.column("subset/level_distortion")
    scale, bins = quantities.fitted_scale, log_bin(store.header, quantities.bin_width)
    factor, offset = (1.0, 0.0) if scale is None else (scale.factor, scale.offset)
    distortions = [
        mean_over_examples(
            DISTORTION,
            factor * guessed[:, i] + offset - bins,
            n=quantities.n,
            which=quantities.which_probed,
        )
        for i in range(guessed.shape[1])
    ]
    distortions.append(mean_over_examples(DISTORTION, whole, which=quantities.which))
    points = [
        ProgressivePoint(
            label=known_levels(cut), rate=rate_up_to(store, quantities, cut), distortion=distortion
        )
        for cut, distortion in zip((*cuts_of(count), count), distortions, strict=True)
        if math.isfinite(distortion.value)
    ]
    points = [stated_point(point, quantities.observations) for point in points]
    return ProgressiveCurve(steps="level", points=tuple(points)) if points else None


def rate_up_to(store: Store, quantities: Quantities, cut: int) -> Estimate:
    """What the first levels cost together, nats per example.

    Args:
        store: finished.
        quantities: of the store.
        cut: how many.
    """
    first, which = quantities.code_rate, quantities.which
    if cut == 0:
        return mean_over_examples(RATE, torch.zeros_like(first[:1]), exact=True)
    if cut == 1:
        return mean_over_examples(RATE, first, exact=quantities.code_rate_analytic, which=which)
    others = store.column("levels/rate")[:, :, : cut - 1].sum(2)
    return mean_over_examples(RATE, add_means(first, others), which=which)


def stated_point(point: ProgressivePoint, n: int) -> ProgressivePoint:
    """A point without the errors over the data that so few examples do not support."""
    kept = stated({RATE: point.rate, DISTORTION: point.distortion}, n)
    return ProgressivePoint(label=point.label, rate=kept[RATE], distortion=kept[DISTORTION])
