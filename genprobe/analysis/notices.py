"""What estimates and dimensions can be found to say, a condition each; see ``findings``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from genprobe.analysis.regimes import DEFAULT_CUTS
from genprobe.errors import Notice
from genprobe.report import BOUNDS_ALONE, Dimension, Estimate, number

if TYPE_CHECKING:
    from genprobe.aggregate.distinct import DistinctExamples
    from genprobe.report.levels import Level

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
SHOWN = 3
"""Dimensions that a message names."""


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
        message=f"I(n;z) is known to ± {error:.2g} nats, not to the {tolerance:g} asked for.",
        remedy=f"Allow about {wanted} queries with --max-queries ("
        + (f"it allowed {made}" if asked else f"{made} are the most without it")
        + "), or ask for a larger --tolerance.",
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
        message=f"Only {k} of the {n} examples differ: I(n;z) ≤ {distinct.entropy:.2f} nats.",
        remedy="Remove the copies, or read N as the number of distinct examples: which one it is "
        f"has that entropy, not log N = {math.log(n):.2f}, and errors over the data count copies "
        "as one observation.",
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
        f"{number(cap, 2)}.",
        remedy="It counts the examples rather than what the code tells: evaluate on more, and read "
        "I(n;z) as a lower bound on I(X;Z).",
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
        message=f"Marginal KL {number(value, 2)} is within 10 % of its floor {number(floor, 2)}.",
        remedy="So few examples show R − log N under any prior. Read a mismatch of the prior off "
        "the lower end of the population's marginal KL; more examples narrow that bracket.",
    )


def prior_mismatch(
    estimates: Mapping[str, Estimate], levels: Sequence[Level] = ()
) -> Notice | None:
    """A fitted prior does better than the model's own, beyond doubt; of a chain at its first level.

    Args:
        estimates: by name.
        levels: of a chain.
    """
    if not {"prior_saving", "rate"} <= estimates.keys():
        return None
    own = levels[0]["rate"] if levels else estimates["rate"]
    saving, rate = estimates["prior_saving"], own.value
    error = saving.se_data or 0.0
    if saving.value <= ERRORS * error or saving.value <= MISMATCH_SHARE * rate:
        return None
    return Notice(
        code="prior-mismatch",
        message=f"A fitted prior would save {number(saving.value, 2)} of the {number(rate, 2)} "
        f"nats of rate{f' of {levels[0].name}, the first level' if len(levels) > 1 else ''}.",
        remedy="Refit the prior to the codes of training data: genprobe evaluate --write-prior "
        "FILE.npz; then --prior FILE.npz. The model stays as it is.",
    )


def against_blind(estimates: Mapping[str, Estimate]) -> tuple[Estimate, str] | None:
    """What is held against the blind distortion, and its symbol: D, or a bound without an encoder.

    Args:
        estimates: by name.
    """
    if "distortion" in estimates:
        return estimates["distortion"], "D ="
    known = [estimates[name] for name in BOUNDS_ALONE if name in estimates]
    return (known[0], "−log p(x) ≤") if known else None


def distortion_above_blind(estimates: Mapping[str, Estimate]) -> Notice | None:
    """The decoder does worse than a constant."""
    found = against_blind(estimates)
    if found is None or "blind_distortion" not in estimates:
        return None
    (distortion, symbol), blind = found, estimates["blind_distortion"].value
    margin = ROUNDING * abs(blind) + ERRORS * (distortion.se or 0.0)
    if distortion.value <= blind + margin:
        return None
    return Notice(
        code="distortion-above-blind",
        message=f"{symbol} {number(distortion.value, 2)} is above a blind decoder's "
        f"{number(blind, 2)}.",
        remedy="A decoder that ignores its code does as well with constants. Check that the data "
        "are scaled and binarised as the model was trained.",
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
        message=f"The code costs {number(rate, 2)} nats and tells {number(information.value, 2)}.",
        remedy="Nearly all of the rate is codes that are alike for every example, off the prior. "
        "Train for longer, or move the prior to the codes; the regime goes by the rate, and by "
        "what the code tells the decoder ignores it.",
    )


def collapsed_dimensions(
    dimensions: Sequence[Dimension], levels: Sequence[Level] = ()
) -> Notice | None:
    """Some latent dimensions carry nothing; of a chain they are those of its first level.

    Args:
        dimensions: of the code that is stored.
        levels: of a chain.
    """
    dead = [d.index for d in dimensions if d.carries_nothing]
    if not dead:
        return None
    shown = ", ".join(str(i) for i in dead[:SHOWN]) + (", …" if len(dead) > SHOWN else "")
    return Notice(
        code="collapsed-dimensions",
        message=f"{len(dead)} of {len(dimensions)} latent dimensions"
        f"{f' of {levels[0].name}' if len(levels) > 1 else ''} carry nothing ({shown}).",
        remedy="A smaller latent would do as well; or lower β, or anneal it.",
    )


def density_distortion(applies: bool, decoded: bool = True, encoded: bool = True) -> Notice | None:
    """The distortion is a density's, or may be one's, so its zero means nothing."""
    if not applies:
        return None
    if not encoded:
        return Notice(
            code="density-distortion",
            message="−log p(x) is minus the log of a density: its zero means nothing.",
            remedy="It compares only with models of the same values in the same units. If the data "
            "are quantised, give the width of a bin with --bin-width.",
        )
    if not decoded:
        return Notice(
            code="density-distortion",
            message="D was given; it may be minus the log of a density.",
            remedy="Then H − D bounds nothing. Name its likelihood with the posteriors; if the "
            "data are quantised under a density, give the width of a bin with --bin-width.",
        )
    return Notice(
        code="density-distortion",
        message="D is minus the log of a density: its zero means nothing.",
        remedy="It can be negative, and H − D bounds nothing. If the data are quantised, give the "
        "width of a bin with --bin-width.",
    )


def monte_carlo_rate(rate_analytic: bool) -> Notice | None:
    """The rate has no closed form."""
    if rate_analytic:
        return None
    return Notice(
        code="monte-carlo-rate",
        message="R is a Monte Carlo mean with an error of its own.",
        remedy="Posterior and prior have no closed-form KL. If that error is too large give more "
        "--draws, 64 or above.",
    )
