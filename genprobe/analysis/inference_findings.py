"""What is found of inference: who loses the nats, and bounds on log p(x) that are too loose."""

from genprobe.analysis.advice import ERRORS, Advice, Facts, error_of
from genprobe.errors import Notice
from genprobe.report import Report, number
from genprobe.report.estimate import Estimate
from genprobe.report.inference import InferenceReport

LEAST_SHOWN = 0.01
"""Nats below which a loss is not worth a sentence, however well it is known."""
FEWEST_CHAINS = 3.0
"""Of which the mean weight of an example is to be at least, effectively."""
LEAST_MISSED = 0.1
"""Nats by which chains from the prior are above the others, and besides beyond their error."""
WIDE = 0.25
"""Nats by which the bounds from both sides are apart at least, on simulated data."""
WIDE_SHARE = 0.05
"""Of the simulated examples of which they may be far apart: a mean of few such may be anything."""
BETTER_FAMILY = {
    "diagonal-normal": "full covariance or a flow",
    "laplace": "full covariance or a flow",
    "low-rank-normal": "full covariance or a flow",
}
"""What gets the nats of a posterior family; of every other a flow."""


def unfinished(inference: InferenceReport | None) -> Notice | None:
    """The bound still moved when chains had their greatest length."""
    if inference is None or inference.reached:
        return None
    moved = inference.half_length
    by = "" if moved is None else f" by {number(abs(moved.value))} nats"
    return Notice(
        code="annealing-unfinished",
        message=f"The bound on log p(x) still moved{by} at {counted(inference.temperatures)} and "
        f"{inference.chains} chains.",
        remedy="Allow more steps (--max-steps). Until then log p(x) is larger than it says, and "
        "so is the inference gap.",
    )


def counted(temperatures: int) -> str:
    """A number of temperatures in words."""
    return f"{temperatures} temperature{'' if temperatures == 1 else 's'}"


def uneven(inference: InferenceReport | None) -> Notice | None:
    """A few chains decide log p(x)."""
    if inference is None:
        return None
    effective = inference.effective_sample_size * inference.chains
    if effective >= min(FEWEST_CHAINS, 0.9 * inference.chains):
        return None
    return Notice(
        code="annealing-uneven",
        message=f"Of {inference.chains} chains an example, {effective:.1f} decide log p(x).",
        remedy="Allow more steps (--max-steps): longer chains have more equal weights.",
    )


def mode_missed(inference: InferenceReport | None) -> Notice | None:
    """Chains that start at the prior end above those that start at the posterior."""
    if inference is None:
        return None
    above = inference.prior_chains
    on_average = above is not None and beyond(above, LEAST_MISSED)
    if not (on_average or inference.missed):
        return None
    said = [f"of {inference.missed} of {inference.n} examples"] if inference.missed else []
    if above is not None and on_average:
        said.append(f"by {number(above.value)} nats on average")
    found = "log p(x) and the inference gap are larger than they say"
    if inference.mixed:
        found = "half of the chains start at the prior now, and find what they can of it"
    return Notice(
        code="mode-missed",
        message=f"Chains from the prior end above those from the posterior, {' and '.join(said)}.",
        remedy=f"The posterior has a part that no q near the encoder's sees: {found}.",
    )


def sandwich_wide(inference: InferenceReport | None) -> Notice | None:
    """On simulated data the bounds from both sides are far apart."""
    if inference is None or inference.simulated is None:
        return None
    width, wide, n = inference.simulated, inference.simulated_wide, inference.simulated.n
    some = wide >= max(2, WIDE_SHARE * n)
    if not (some or beyond(width, WIDE)):
        return None
    said = f"On {n} simulated examples log p(x) is known to {number(width.value)} nats only"
    if some:
        said = f"Of {wide} of {n} simulated examples log p(x) is not known to half a nat"
    return Notice(
        code="sandwich-wide",
        message=f"{said}.",
        remedy="Allow more steps (--max-steps). If that does not help, chains miss a part of the "
        "posterior, and log p(x) is larger than it says.",
    )


def beyond(estimate: Estimate, least: float = LEAST_SHOWN) -> bool:
    """Whether an estimate is above so many nats, and above 0 beyond its error."""
    return estimate.value > max(least, ERRORS * (error_of(estimate) or 0.0))


def loses(report: Report) -> bool:
    """Whether inference is known to lose something."""
    gap = report.estimates.get("inference_gap")
    return gap is not None and beyond(gap)


def improve_inference(facts: Facts) -> Advice | None:
    """Some of the nats of −ELBO are lost by inference."""
    gap = facts.estimate("inference_gap")
    if gap is None or not beyond(gap):
        return None
    names = ("amortization_gap", "approximation_gap")
    parts = [e for e in map(facts.estimate, names) if e is not None and beyond(e)]
    largest = max(parts, key=lambda part: part.value, default=None)
    lead = "Improve inference"
    if largest is not None:
        by_encoder = largest.name == "amortization_gap"
        lead = "Improve the encoder" if by_encoder else "Widen the posterior family"
    said = ", ".join(of_part(facts, part) for part in parts)
    who = f": {said}" if said else "; who loses them is within the errors"
    return Advice(
        sentence=f"{lead}: {lost(facts)} lost by inference{who}.",
        nats=gap.value,
        error=error_of(gap),
    )


def lost(facts: Facts) -> str:
    """The inference gap, of how many nats it is."""
    number, elbo = facts.write_estimate("inference_gap"), facts.estimate("elbo")
    if elbo is None or elbo.value >= 0:
        return f"{number} {facts.unit} of the ELBO are"
    return f"{number} of the {facts.write(-elbo.value, error_of(elbo)).partition(' ')[0]} " + (
        f"{facts.unit} are"
    )


def of_part(facts: Facts, part: Estimate) -> str:
    """What the encoder or the family loses, and what gets it."""
    said = facts.write_estimate(part.name)
    if part.name == "amortization_gap":
        return f"{said} by the encoder (a bigger or semi-amortised one gets them{for_free(facts)})"
    family = str(facts.report.provenance.get("family"))
    return f"{said} by the family ({BETTER_FAMILY.get(family, 'a flow gets them')})"


def for_free(facts: Facts) -> str:
    """What gradient steps at test time bring of it, where they bring something."""
    inference = facts.report.inference
    gains = {} if inference is None else inference.steps_gain
    known = {steps: gain for steps, gain in gains.items() if beyond(gain)}
    if not known:
        return ""
    steps = max(known)
    amount = facts.write(known[steps].value, error_of(known[steps])).partition(" ")[0]
    return f": {steps} steps at test time get {amount}"
