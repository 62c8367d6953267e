"""What to do about a finding, in a sentence that gives its number with the error."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genprobe.analysis.decoder_alone import bound_alone, has_encoder, worth
from genprobe.analysis.rounding import rounded, with_error
from genprobe.errors import Notice
from genprobe.report import Dimension, Estimate, Report

EVERYTHING = math.inf
"""At stake where the numbers may not be those of the model and the data."""
ERRORS = 2.0
"""Standard errors that a gap must be beyond."""
GAP_SHARE, LEAST_GAP = 0.01, 0.1
"""Of R, and in nats: what a gap must be beyond."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to do.

    Attributes:
        sentence: that begins with what to do.
        nats: at stake; 0 where only the knowledge of a number is.
        error: of these, nats; None where it is not known.
    """

    sentence: str
    nats: float = 0.0
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A report as advice is read from it.

    Attributes:
        report: of one model.
        unit: of the sentences: ``nats``, ``bits`` or ``bits/dim``.
        scale: nats that one of the unit is.
        decimals: of a number without an error.
    """

    report: Report
    unit: str = "nats"
    scale: float = 1.0
    decimals: int = 3

    def estimate(self, name: str) -> Estimate | None:
        """The estimate of that name, if there is one."""
        return self.report.estimates.get(name)

    def notice(self, code: str) -> Notice | None:
        """The warning of that code, if there is one."""
        return next((w for w in self.report.warnings if w.code == code), None)

    def at_stake(self, code: str) -> tuple[float, float | None] | None:
        """Nats at stake and their error, where only the store knew them; see ``stakes``."""
        known = self.report.provenance.get("at_stake", {})
        found = known.get(code) if isinstance(known, Mapping) else None
        if not isinstance(found, Sequence) or len(found) != 2:
            return None
        value, error = found
        right = isinstance(value, int | float) and isinstance(error, int | float | None)
        return (value, error) if right else None

    def write(self, value: float, error: float | None = None) -> str:
        """Nats in the unit, with their error."""
        scaled = None if error is None else error / self.scale
        return with_error(value / self.scale, scaled, self.decimals)

    def write_estimate(self, name: str) -> str:
        """An estimate in the unit, with its error."""
        found = self.report.estimates[name]
        return self.write(found.value, error_of(found))


def error_of(estimate: Estimate) -> float | None:
    """The error that a sentence states: over the data, or else of the draws."""
    return estimate.se if estimate.se_data is None else estimate.se_data


def look_at_outliers(facts: Facts) -> Advice | None:
    """A few examples carry a mean."""
    notice = facts.notice("outlying-examples")
    said = notice.message if notice else ""
    return Advice(sentence=f"Look at the outliers first: {said}", nats=EVERYTHING)


def return_probs(facts: Facts) -> Advice | None:
    """Logits may be probabilities."""
    saved = facts.at_stake("logits-may-be-probabilities")
    if saved is None or saved[0] <= 0:
        said = "Check whether the decoder's logits are probabilities: all of them could be."
        return Advice(sentence=said, nats=EVERYTHING)
    return Advice(
        sentence="Return the decoder's sigmoid as probs, not as logits: D would be "
        f"{facts.write(*saved)} {facts.unit} smaller.",
        nats=EVERYTHING,
        error=saved[1],
    )


def check_data(facts: Facts) -> Advice | None:
    """D is above that of a decoder without a code."""
    if facts.notice("logits-may-be-probabilities"):
        return None  # which is the likelier cause
    distortion, blind = facts.estimate("distortion"), facts.estimate("blind_distortion")
    symbol = "D"
    if not has_encoder(facts.report):
        distortion, symbol = bound_alone(facts.report), "−log p(x)"
    if distortion is None or blind is None:
        return None
    known = facts.at_stake("distortion-above-blind")
    above = known or (distortion.value - blind.value, error_of(distortion))
    return Advice(
        sentence=f"Check how the data are scaled and binarised: {symbol} is "
        f"{facts.write(*above)} {facts.unit} above that of a decoder without a code.",
        nats=EVERYTHING,
        error=above[1],
    )


def binarise(facts: Facts) -> Advice | None:
    """A Bernoulli likelihood met grey values."""
    known = facts.estimate("distortion") is not None
    symbol = "D" if has_encoder(facts.report) else "−log p(x)"
    number = f"D = {facts.write_estimate('distortion')} {facts.unit}" if known else symbol
    return Advice(
        sentence="Binarise the data as in training (--binarize threshold or stochastic): "
        f"{number} is no log-probability of grey values.",
        nats=EVERYTHING,
    )


def use_the_code(facts: Facts) -> Advice | None:
    """The code is unused: its rate is next to nothing, or tells next to nothing."""
    rate, distortion = facts.estimate("rate"), facts.estimate("distortion")
    if rate is None:
        return None
    said = f"R is {facts.write_estimate('rate')} {facts.unit}"
    if facts.notice("rate-without-information"):
        told = facts.write_estimate("mutual_information")
        said = f"it costs {facts.write_estimate('rate')} {facts.unit} and tells {told}"
    return Advice(
        sentence=f"Retrain with a lower β, or anneal it: the code is unused, {said}.",
        nats=EVERYTHING if distortion is None else max(distortion.value, 0.0),
        error=error_of(distortion) if distortion else None,
    )


def refit_prior(facts: Facts) -> Advice | None:
    """A fitted prior does better than the model's own."""
    saving = facts.estimate("prior_saving")
    said = facts.notice("field-not-white") or facts.notice("codes-dependent")
    if saving is None or said:  # which says so, and why
        return None
    return Advice(
        sentence="Refit the prior (--write-prior): it would save "
        f"{facts.write_estimate('prior_saving')} {facts.unit}, no retraining.",
        nats=saving.value,
        error=error_of(saving),
    )


def improve_encoder(facts: Facts) -> Advice | None:
    """The posteriors are far from the true ones, as a tighter bound shows."""
    gap = encoder_gap(facts.report)
    if gap is None:
        return None
    return Advice(
        sentence=f"Improve the encoder: R + D is {facts.write(*gap)} {facts.unit} above the IWAE "
        "bound.",
        nats=gap[0],
        error=gap[1],
    )


def encoder_gap(report: Report) -> tuple[float, float] | None:
    """R + D less the IWAE bound, and its error, nats; None where it is not beyond doubt.

    Both are of the same draws, so the errors of two separate runs are on the safe side.
    """
    if not {"rate", "distortion", "iwae_bound"} <= report.estimates.keys():
        return None
    rate, distortion, bound = (report[k] for k in ("rate", "distortion", "iwae_bound"))
    gap = rate.value + distortion.value - bound.value
    error = math.hypot(distortion.se or 0.0, bound.se or 0.0)
    return (gap, error) if gap > max(ERRORS * error, GAP_SHARE * rate.value, LEAST_GAP) else None


def fit_scale(facts: Facts) -> Advice | None:
    """Another scale would suit the decoder's errors."""
    saved = facts.at_stake("fixed-scale")
    if saved is None:
        return None
    return Advice(
        sentence="Fit the decoder's scale (likelihood normal-optimal-sigma): it would save "
        f"{facts.write(*saved)} {facts.unit} of D, no retraining.",
        nats=saved[0],
        error=saved[1],
    )


def shrink_latent(facts: Facts) -> Advice | None:
    """Some dimensions carry nothing."""
    dimensions, levels = facts.report.dimensions, facts.report.levels
    dead = [d for d in dimensions if d.carries_nothing]
    left, count = len(dimensions) - len(dead), len(dead)
    if not dead or not left:
        return None  # of a code that carries nothing at all more is said
    nats, error = carried(dead)
    number = "nothing" if nats is None else f"{facts.write(nats, error)} {facts.unit}"
    others = "the other carries" if count == 1 else f"the other {count} carry"
    latent = levels[0].name if len(levels) > 1 else "the latent"
    return Advice(
        sentence=f"Shrink {latent} to {left}: {others} {number}.",
        nats=max(nats or 0.0, 0.0),
        error=error,
    )


def carried(dimensions: Sequence[Dimension]) -> tuple[float | None, float | None]:
    """The rate of some dimensions together, nats, and the most that its error can be."""
    rates = [d.rate for d in dimensions if d.rate is not None]
    errors = [d.rate_se_data for d in dimensions if d.rate_se_data is not None]
    known = len(rates) == len(dimensions)
    return (sum(rates) if known else None, sum(errors) if len(errors) == len(rates) else None)


def more_precision(facts: Facts) -> Advice | None:
    """The density log q(z) was not accurate."""
    error = facts.report.provenance.get("max_error")
    if not isinstance(error, int | float):
        return None
    return Advice(
        sentence=f"Run with --dtype float64: log q(z) is off by up to {facts.write(error)} "
        f"{facts.unit}.",
        nats=error,
    )


def return_logits(facts: Facts) -> Advice | None:
    """Probabilities are rounded."""
    off = facts.at_stake("probs-rounded")
    if off is None:
        return None
    return Advice(
        sentence=f"Return logits instead of probs: rounding may put D off by {facts.write(*off)} "
        f"{facts.unit}.",
        nats=off[0],
    )


def more_queries(facts: Facts) -> Advice | None:
    """I(n;z) is not as well known as was asked for."""
    information = facts.estimate("mutual_information")
    if information is None or information.se is None:
        return None
    number = facts.write(information.value, information.se)
    return Advice(
        sentence=f"Allow more queries (--max-queries): I(n;z) is {number} {facts.unit} so far.",
        nats=information.se,
    )


def remove_copies(facts: Facts) -> Advice | None:
    """Many examples are equal."""
    differ = facts.report.provenance.get("distinct_examples")
    if not isinstance(differ, int):
        return None
    return Advice(sentence=f"Remove the copies: {differ} of {facts.report.n} examples differ.")


def more_examples(facts: Facts) -> Advice | None:
    """So few examples that I(n;z), the marginal KL or the errors say little of the population."""
    known = facts.report.estimates.keys()
    if facts.notice("saturated") and {"mutual_information", "log_n"} <= known:
        most = rounded(facts.report["log_n"].value / facts.scale, 0.0, facts.decimals - 1)
        number = facts.write_estimate("mutual_information")
        said = f"I(n;z) is {number} of at most {most}, so it only counts them"
    elif facts.notice("marginal-kl-is-floor") and "marginal_kl" in known:
        number = facts.write_estimate("marginal_kl")
        said = f"the marginal KL {number} is the least that so few can show"
    else:
        differ = facts.report.provenance.get("distinct_examples", facts.report.n)
        some = "1 example says" if differ == 1 else f"{differ} examples say"
        said = f"{some} too little of how far others differ"
    return Advice(sentence=f"Evaluate on more examples: {said}.")


def nothing_to_repair(facts: Facts) -> str:
    """That no finding calls for anything, with a number."""
    alone = bound_alone(facts.report)
    if alone is not None:
        return worth(facts.report, alone, facts.unit, facts.scale, facts.decimals)
    but = " but what the warnings say" if loud(facts.report) else ""
    saving, rate = facts.estimate("prior_saving"), facts.estimate("rate")
    if saving is not None and rate is not None:
        number, total = facts.write_estimate("prior_saving"), facts.write_estimate("rate")
        what = f"a refitted prior would save {number} of R = {total} {facts.unit}"
        if saving.value <= 0:
            what = f"no fitted prior is better than the model's own, R = {total} {facts.unit}"
    elif {"rate", "distortion"} & facts.report.estimates.keys():
        named = {"rate": "R", "distortion": "D"}
        shown = [
            f"{symbol} = {facts.write_estimate(name)}"
            for name, symbol in named.items()
            if facts.estimate(name)
        ]
        what = f"no finding speaks against {' and '.join(shown)} {facts.unit}"
    else:
        what = f"no finding on {facts.report.n} examples"
    return f"Nothing to repair{but}: {what}."


QUIET = {
    "density-distortion",
    "monte-carlo-rate",
    "constant-scale",
    "relaxed-posterior",
    "label-saturated",
}
"""Codes of warnings that say how to read a number, and ask for no repair."""


def loud(report: Report) -> bool:
    """Whether a warning asks for more than to be read."""
    return any(w.code not in QUIET for w in report.warnings)
