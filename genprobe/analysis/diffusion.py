"""What a report says of a diffusion model: where along its chain the nats go, and what they buy."""

import math
from collections.abc import Mapping

from jaxtyping import Float64
from torch import Tensor

from genprobe.diffusion.octaves import octave_name
from genprobe.diffusion.plan import MOST
from genprobe.errors import Notice
from genprobe.estimators.pointwise import log_bin
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.standard_error import mean_over_examples
from genprobe.report.estimate import Estimate
from genprobe.report.levels import Level
from genprobe.report.progressive_curve import (
    DISTORTION,
    RATE,
    ProgressiveCurve,
    ProgressivePoint,
)
from genprobe.store.read import Store

UNPLACED = (
    "the states of a diffusion model are as large as the data, so all of them together say nearly "
    "everything: read its progressive curve"
)
"""Why it has no regime."""
PRIOR_TERM = "noisiest state"
"""What the level of the prior term is called."""
SQUARED_ERROR = "squared error"


def chain_of_store(
    store: Store, quantities: Quantities
) -> tuple[tuple[Level, ...], ProgressiveCurve | None]:
    """The levels of a diffusion model and its progressive curve; none of any other model.

    Args:
        store: finished.
        quantities: of the store.
    """
    said = store.header.diffusion
    if said is None:
        return (), None
    which = quantities.which
    top = store.column("probes/prior_term")
    rates = octave_rates(store)
    first = mean_over_examples("rate", top, exact=True, which=which)
    levels = [Level(name=PRIOR_TERM, estimates={"rate": first})]
    for number, each in zip(said["octaves"], rates.unbind(1), strict=True):
        found = mean_over_examples("rate", each, which=which)
        levels.append(Level(name=octave_name(number), estimates={"rate": found}))
    return tuple(levels), curve_of(store, quantities, top, rates)


def octave_rates(store: Store) -> Float64[Tensor, "replicate octave n"]:
    """What each octave costs, several times independently, nats."""
    column = store.column("probes/octave_rate")
    octaves = len((store.header.diffusion or {})["octaves"])
    return column.reshape(-1, octaves, column.shape[1])


def curve_of(
    store: Store, quantities: Quantities, top: Tensor, rates: Tensor
) -> ProgressiveCurve | None:
    """The progressive curve: the rate up to some states, and what is expected of x there.

    Args:
        store: finished.
        quantities: of the store.
        top: (1, n) the prior term.
        rates: (replicate, octave, n).
    """
    if not store.has("subset/progressive"):
        return None
    errors = store.column("subset/progressive")
    n, which = store.header.n, quantities.which_probed
    points, nats = [], nats_along(store, quantities)
    steps = (store.header.diffusion or {})["points"]
    for i, ((step, paid), squared) in enumerate(zip(steps, errors, strict=True)):
        sums = rates[:, :paid].sum(1) + top
        rate = mean_over_examples(
            RATE, sums if paid else top, exact=not paid, which=quantities.which
        )
        distortion = mean_over_examples(DISTORTION, squared[None], n=n, which=which)
        points.append(
            ProgressivePoint(
                label=f"t = {step}",
                rate=rate,
                distortion=with_unit(distortion, SQUARED_ERROR),
                coded=None
                if nats is None
                else mean_over_examples(DISTORTION, nats[i][None], n=n, which=which),
            )
        )
    return ProgressiveCurve(steps="time", points=tuple(points))


def nats_along(store: Store, quantities: Quantities) -> Float64[Tensor, "k m"] | None:
    """−log p(x) given the state at each point, nats, of the bins where a bin width is known."""
    if not store.has("subset/progressive_nats"):
        return None
    bins = log_bin(store.header, quantities.bin_width)
    return store.column("subset/progressive_nats") - bins


def with_unit(estimate: Estimate, unit: str) -> Estimate:
    """The same estimate in a unit of its own."""
    return Estimate(**{**vars(estimate), "unit": unit})


def tolerance_missed(
    estimates: Mapping[str, Estimate], store: Store, tolerance: float
) -> Notice | None:
    """That the error of the bound is above what was asked for; None if it is not.

    Args:
        estimates: by name.
        store: finished.
        tolerance: bits a value, or a share of the rate where that is more.
    """
    bound, rate = estimates.get("elbo"), estimates.get("rate")
    if store.header.diffusion is None or bound is None or rate is None or bound.se is None:
        return None
    wanted = tolerance * max(math.prod(store.header.event_shape) * math.log(2), rate.value)
    if bound.se <= 2 * wanted:  # which the pilot cannot know to better
        return None
    whole = store.header.diffusion["plan"]["steps"] >= MOST
    return Notice(
        code="tolerance-missed",
        message=f"The error of the bound is {bound.se:.2g} nats, above the {wanted:.2g} that a "
        f"tolerance of {tolerance:g} allows.",
        remedy=f"Encode more examples: no more than {MOST} steps of each are looked at."
        if whole
        else "Encode again with --fresh, under a smaller --tolerance or on more examples.",
    )
