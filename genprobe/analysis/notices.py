"""The warnings of a report: a stable code, one sentence of cause, one of remedy."""

import math
from collections.abc import Mapping, Sequence

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.analysis.regimes import DEFAULT_CUTS, FEWEST
from genprobe.analysis.withheld import few_examples
from genprobe.errors import Notice
from genprobe.report import Dimension, Estimate, number

SATURATED_NATS = 0.5
FLOOR_SHARE = 0.1
TELLING_NATS = DEFAULT_CUTS.collapsed_nats
"""I(n;z) below which a code tells next to nothing, as the rate of an autodecoder does."""
TELLING_SHARE = 0.1
"""The same as a share of the rate."""
ERRORS = 2.0
"""Standard errors that a finding must be beyond."""
MISMATCH_SHARE = 0.01
ROUNDING = 1e-5
PRECISION_NATS = 1e-3
DUPLICATE_SHARE = 0.05
"""Of the examples; fewer copies take a few hundredths of a nat off the cap."""


def report_notices(
    estimates: Mapping[str, Estimate],
    dimensions: Sequence[Dimension],
    *,
    rate_analytic: bool,
    discrete: bool,
    bin_width: float | None,
    max_error: float | None,
    missed: Notice | None = None,
    n: int | None = None,
    distinct: DistinctExamples | None = None,
    decoded: bool = True,
) -> list[Notice]:
    """Every warning that the estimates call for, most important first.

    Of very few examples that they are few comes first, and nothing is said of a decoder that does
    worse than the constants that fit just these.

    Args:
        estimates: by name.
        dimensions: of the latent.
        rate_analytic: whether the rate is a closed form.
        discrete: whether the likelihood gives probabilities.
        bin_width: δ of quantised data, if known.
        max_error: largest deviation of log q(z) from float64, nats; None if never computed.
        missed: that the tolerance was not reached; None if it was.
        n: number of examples that differ.
        distinct: the distinct examples, if some are equal.
        decoded: whether genprobe worked the distortion out itself rather than was given it.
    """
    few = None if n is None else few_examples(n)
    tiny = n is not None and n < FEWEST
    found = [
        few if tiny else None,
        precision(max_error),
        duplicates(distinct),
        saturated(estimates),
        marginal_kl_is_floor(estimates),
        prior_mismatch(estimates),
        None if tiny else distortion_above_blind(estimates),
        rate_without_information(estimates),
        collapsed_dimensions(dimensions),
        density_distortion(
            "distortion" in estimates and not discrete and bin_width is None, decoded
        ),
        monte_carlo_rate(rate_analytic),
        missed,
        None if tiny else few,
    ]
    return [notice for notice in found if notice is not None]


def precision(max_error: float | None) -> Notice | None:
    """The aggregate posterior was not accurate to a thousandth of a nat."""
    if max_error is None or max_error <= PRECISION_NATS:
        return None
    return Notice(
        code="precision",
        message=f"log q(z) deviates by up to {max_error:.2g} nats from its float64 value.",
        remedy="Run with --dtype float64.",
    )


def tolerance_missed(error: float, tolerance: float, made: int, asked: bool) -> Notice | None:
    """The Monte Carlo error of I(n;z) is not as small as was asked for.

    Args:
        error: that was reached, nats.
        tolerance: that was asked for, nats.
        made: number of queries.
        asked: whether the user allowed no more.
    """
    if error <= tolerance:
        return None
    wanted = math.ceil(made * (error / tolerance) ** 2)
    return Notice(
        code="tolerance-missed",
        message=f"I(n;z) is known to ± {error:.2g} nats, not to the {tolerance:g} asked for: "
        + (f"--max-queries allowed {made} queries." if asked else f"{made} queries are the most."),
        remedy=f"Allow about {wanted} with --max-queries, or ask for a larger --tolerance.",
    )


def duplicates(distinct: DistinctExamples | None) -> Notice | None:
    """So many examples are equal that it changes what the numbers can be."""
    if distinct is None:
        return None
    n, k = len(distinct.which), len(distinct)
    if k > (1 - DUPLICATE_SHARE) * n:
        return None
    return Notice(
        code="duplicates",
        message=f"Only {k} of the {n} examples differ: I(n;z) can be at most "
        f"{distinct.entropy:.2f} nats, the entropy of which one it is, not log N = "
        f"{math.log(n):.2f}, and errors over the data count copies as one observation.",
        remedy="Remove the copies, or read N as the number of distinct examples.",
    )


def saturated(estimates: Mapping[str, Estimate]) -> Notice | None:
    """I(n;z) is pinned at its cap log N."""
    if not {"mutual_information", "log_n"} <= estimates.keys():
        return None
    information, cap = estimates["mutual_information"].value, estimates["log_n"].value
    if cap == 0 or information <= cap - SATURATED_NATS:
        return None
    return Notice(
        code="saturated",
        message=f"I(n;z) = {number(information, 2)} is within {SATURATED_NATS} nat of its cap "
        f"{number(cap, 2)}: "
        "it counts the examples rather than what the code tells.",
        remedy="Evaluate on more examples, and read I(n;z) as a lower bound on I(X;Z).",
    )


def marginal_kl_is_floor(estimates: Mapping[str, Estimate]) -> Notice | None:
    """The finite-N marginal KL says no more than that N is finite."""
    if not {"marginal_kl", "marginal_kl_floor"} <= estimates.keys():
        return None
    value, floor = estimates["marginal_kl"].value, estimates["marginal_kl_floor"].value
    if floor <= 0 or value > (1 + FLOOR_SHARE) * floor:
        return None
    return Notice(
        code="marginal-kl-is-floor",
        message=f"The marginal KL {number(value, 2)} is within 10 % of its floor R − log N = "
        f"{number(floor, 2)}: so few examples show as much under any prior.",
        remedy="Read a mismatch of the prior off the lower end of the population's marginal KL; "
        "more examples narrow that bracket.",
    )


def prior_mismatch(estimates: Mapping[str, Estimate]) -> Notice | None:
    """A fitted prior does better than the model's own, beyond doubt."""
    if not {"prior_saving", "rate"} <= estimates.keys():
        return None
    saving, rate = estimates["prior_saving"], estimates["rate"].value
    error = saving.se_data or 0.0
    if saving.value <= ERRORS * error or saving.value <= MISMATCH_SHARE * rate:
        return None
    return Notice(
        code="prior-mismatch",
        message=f"A prior fitted to the codes would save {number(saving.value, 2)} nats per "
        f"example of the rate {number(rate, 2)}, beyond its error.",
        remedy="Refit the prior to the codes (a learned or mixture prior), or swap it afterwards.",
    )


def distortion_above_blind(estimates: Mapping[str, Estimate]) -> Notice | None:
    """The decoder does worse than a constant."""
    if not {"distortion", "blind_distortion"} <= estimates.keys():
        return None
    distortion, blind = estimates["distortion"], estimates["blind_distortion"].value
    margin = ROUNDING * abs(blind) + ERRORS * (distortion.se or 0.0)
    if distortion.value <= blind + margin:
        return None
    return Notice(
        code="distortion-above-blind",
        message=f"The distortion {number(distortion.value, 2)} exceeds {number(blind, 2)}, that of "
        "the best decoder that ignores its code.",
        remedy="Check that the data are scaled and binarised as the model was trained.",
    )


def rate_without_information(estimates: Mapping[str, Estimate]) -> Notice | None:
    """The code costs, and tells next to nothing: by its rate alone it would not look collapsed."""
    if not {"rate", "mutual_information", "log_n"} <= estimates.keys():
        return None
    if estimates["log_n"].value < 1:
        return None  # so few examples leave nothing to tell apart
    rate, information = estimates["rate"].value, estimates["mutual_information"]
    most = information.value + ERRORS * (information.se_data or 0.0)
    if rate <= TELLING_NATS or most > min(TELLING_NATS, TELLING_SHARE * rate):
        return None
    return Notice(
        code="rate-without-information",
        message=f"The code costs {number(rate, 2)} nats and tells {number(information.value, 2)}: "
        "nearly all of the rate is codes that are alike for every example, off the prior.",
        remedy="Train for longer, or move the prior to the codes; the regime goes by the rate, and "
        "by what the code tells the decoder ignores it.",
    )


def collapsed_dimensions(dimensions: Sequence[Dimension]) -> Notice | None:
    """Some latent dimensions carry nothing."""
    dead = [d.index for d in dimensions if d.carries_nothing]
    if not dead:
        return None
    shown = ", ".join(str(i) for i in dead[:8]) + (", …" if len(dead) > 8 else "")
    return Notice(
        code="collapsed-dimensions",
        message=f"{len(dead)} of {len(dimensions)} latent dimensions carry nothing ({shown}).",
        remedy="A smaller latent would do as well; or lower β, or anneal it.",
    )


def density_distortion(applies: bool, decoded: bool = True) -> Notice | None:
    """The distortion is a density's, or may be one's, so its zero means nothing."""
    if not applies:
        return None
    if not decoded:
        return Notice(
            code="density-distortion",
            message="The distortion was given and not said to be of a discrete likelihood: it may "
            "be minus the log of a density, and H − D bounds nothing.",
            remedy="Name its likelihood with the posteriors; if the data are quantised under a "
            "density, give the width of a bin with --bin-width.",
        )
    return Notice(
        code="density-distortion",
        message="The distortion is minus the log of a density: it can be negative, and H − D "
        "bounds nothing.",
        remedy="If the data are quantised, give the width of a bin with --bin-width.",
    )


def monte_carlo_rate(rate_analytic: bool) -> Notice | None:
    """The rate has no closed form."""
    if rate_analytic:
        return None
    return Notice(
        code="monte-carlo-rate",
        message="Posterior and prior have no closed-form KL: the rate is a Monte Carlo mean with "
        "an error of its own.",
        remedy="If that error is too large give more --draws, 64 or above.",
    )
