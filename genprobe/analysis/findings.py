"""The catalog of findings: when each is made, what it says and what to do about it.

A finding is a warning, or only a sentence of the verdict, or both. The order is that of the
warnings, most important first. ``docs/warnings.md`` has a section of the name of each code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import metadata
from typing import TYPE_CHECKING

from genprobe.analysis import (
    advice,
    channel_findings,
    diffusion_findings,
    inference_findings,
    label_findings,
    level_findings,
    notices,
    token_findings,
)
from genprobe.analysis.advice import Advice, Facts
from genprobe.analysis.constant_scale import constant_scale
from genprobe.analysis.decoder_notices import may_be_probabilities, probs_rounded
from genprobe.analysis.fixed_scale import judged_at_own_scale, saved_by_best_scale
from genprobe.analysis.outlying_examples import outlying_examples
from genprobe.analysis.regimes import AUTODECODER, FEWEST
from genprobe.analysis.withheld import few_examples
from genprobe.errors import Notice
from genprobe.report import FAILED, UNAVAILABLE, Report

if TYPE_CHECKING:
    from genprobe.analysis.evidence import Evidence

PAGE = "warnings.html"
"""Of the documentation, where every code has an anchor."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that can be wrong.

    Attributes:
        condition: when it is found, in words.
        find: the warning, from the evidence; None where another part gives it, or there is none.
        advice: what to do about it; None where there is nothing to do but to know it.
        holds: whether the verdict gives the advice; by default where the warning stands.
    """

    condition: str
    find: Callable[[Evidence], Notice | None] | None = None
    advice: Callable[[Facts], Advice | None] | None = None
    holds: Callable[[Report], bool] | None = None


def judged(code: str) -> Callable[[Evidence], Notice | None]:
    """The finding that D is above blind, if it has that code at the decoder's own scale."""

    def find(evidence: Evidence) -> Notice | None:
        if evidence.n is not None and evidence.n < FEWEST:
            return None  # the best constants fit just these few
        above = notices.distortion_above_blind(evidence.estimates)
        if above is None:
            return None
        found = judged_at_own_scale([above], evidence.estimates, evidence.own_scale)
        return next((notice for notice in found if notice.code == code), None)

    return find


def unused(report: Report) -> bool:
    """Whether the code is as good as not there."""
    codes = {notice.code for notice in report.warnings}
    return report.regime.label == AUTODECODER or "rate-without-information" in codes


FINDINGS: Mapping[str, Finding] = {
    "logits-may-be-probabilities": Finding(
        condition="Every logit of a binary or categorical decoder is a possible probability, and "
        "D is smaller if they are read as such, or is above that of a blind decoder.",
        find=lambda e: may_be_probabilities(e.logits_gain, e.estimates),
        advice=advice.return_probs,
    ),
    "bernoulli-on-grey": Finding(
        condition="A Bernoulli likelihood met values strictly between 0 and 1.",
        advice=advice.binarise,
    ),
    FAILED: Finding(condition="An estimator, of a plugin as a rule, raised an error."),
    UNAVAILABLE: Finding(condition="A number that this model ought to have is not finite."),
    "deterministic-code": Finding(condition="The encoder gives a point, not a distribution."),
    "relaxed-posterior": Finding(
        condition="The posterior is a Gumbel-softmax, read as the categorical of its logits."
    ),
    "outlying-examples": Finding(
        condition="At most 5 % of the examples decide half of R or D.",
        find=lambda e: outlying_examples(e.columns),
        advice=advice.look_at_outliers,
    ),
    "probs-rounded": Finding(
        condition="Rounding of probabilities near 0 or 1 may put D off by 0.0001 nats or more.",
        find=lambda e: probs_rounded(e.probs_off),
        advice=advice.return_logits,
    ),
    "few-examples": Finding(
        condition="There are fewer than 150 examples that differ.",
        find=lambda e: None if e.n is None else few_examples(e.n),
        advice=advice.more_examples,
    ),
    "precision": Finding(
        condition="log q(z) deviates by more than 0.001 nats from its float64 value.",
        find=lambda e: notices.precision(e.max_error),
        advice=advice.more_precision,
    ),
    "duplicates": Finding(
        condition="More than 5 % of the examples are copies of others.",
        find=lambda e: notices.duplicates(e.distinct),
        advice=advice.remove_copies,
    ),
    "label-leak": Finding(
        condition="A label that should not be in the code is: its lower limit at 95 % is above "
        "0, or at most 5 % of permuted labels are told as well.",
        find=lambda e: label_findings.leaks(e.labels),
        advice=label_findings.stop_leak,
    ),
    "label-given": Finding(
        condition="A label that the model is given is told by its code, at 95 %.",
        find=lambda e: label_findings.given(e.labels, e.labels_given),
        advice=label_findings.keep_out,
    ),
    "mode-missed": Finding(
        condition="Chains from the prior end above those from the posterior, beyond their errors: "
        "on average by 0.1 nats, or of some example.",
        find=lambda e: inference_findings.mode_missed(e.inference),
    ),
    "inference-gap": Finding(
        condition="The inference gap is above 0.01 nats and 2 standard errors.",
        advice=inference_findings.improve_inference,
        holds=inference_findings.loses,
    ),
    "saturated": Finding(
        condition="I(n;z) is within 0.5 nat of its cap log N.",
        find=lambda e: notices.saturated(e.estimates),
        advice=advice.more_examples,
    ),
    "marginal-kl-is-floor": Finding(
        condition="The marginal KL is within 10 % of R − log N, and that is above 0.",
        find=lambda e: notices.marginal_kl_is_floor(e.estimates),
        advice=advice.more_examples,
    ),
    channel_findings.SCALE: Finding(
        condition="The config of the model scales or shifts codes by 2 % and 2 standard errors "
        "otherwise than the data ask for.",
        find=lambda e: channel_findings.scale_differs(e.estimates, e.channels, e.training),
        advice=channel_findings.take_measured_scale,
    ),
    channel_findings.FIELD: Finding(
        condition="A fitted stationary field saves more than 2 standard errors and 1 % of R, and "
        "more than that against a fitted prior without neighbours.",
        find=lambda e: channel_findings.not_white(e.estimates, e.fitted_scores),
        advice=channel_findings.sample_from_a_field,
    ),
    "prior-mismatch": Finding(
        condition="A fitted prior saves more than 2 standard errors and more than 1 % of R.",
        find=lambda e: notices.prior_mismatch(e.estimates, e.levels),
        advice=advice.refit_prior,
    ),
    token_findings.DEPENDENT: Finding(
        condition="Where codes are class indices, a candidate prior that knows another code pays "
        "less than the histogram by more than 2 standard errors, 5 % and 0.01 nats a token, and "
        "the prior does not.",
        find=lambda e: token_findings.dependent(e.tokens, e.estimates),
        advice=token_findings.sample_with_neighbours,
    ),
    token_findings.UNUSED: Finding(
        condition="More than 10 % of the codes of a codebook are never used, and more examples "
        "would not use them either.",
        find=lambda e: token_findings.unused(e.tokens),
        advice=token_findings.shrink_codebook,
    ),
    token_findings.EQUAL: Finding(
        condition="Codebook vectors that were given are equal.",
        find=lambda e: token_findings.duplicates(e.tokens),
        advice=token_findings.merge_duplicates,
    ),
    level_findings.DEAD: Finding(
        condition="A level of a chain of latents has a rate below 0.01 nat, beyond its Monte "
        "Carlo error.",
        find=lambda e: level_findings.dead(e.levels),
        advice=level_findings.drop_or_revive,
    ),
    diffusion_findings.CODE: Finding(
        condition="With the steps of a diffusion model up to some state alone R + D is less than "
        "with all, by more than 2 standard errors and 1 % of R.",
        find=lambda e: diffusion_findings.costly(e.progressive, e.estimates),
        advice=diffusion_findings.stop_earlier,
    ),
    "prior-of-these-examples": Finding(
        condition="The prior that was asked for was fitted to the examples it is used on."
    ),
    "distortion-above-blind": Finding(
        condition="D is above that of the best decoder that ignores its code, by more than 2 "
        "standard errors.",
        find=judged("distortion-above-blind"),
        advice=advice.check_data,
    ),
    "fixed-scale": Finding(
        condition="D is above that of the best blind decoder, but not at the decoder's own scale, "
        "which is one constant.",
        find=judged("fixed-scale"),
        advice=advice.fit_scale,
    ),
    "posterior-collapse": Finding(
        condition="The upper 95 % limit of R is below 0.1 nats and 1 % of Ĥ (the regime is "
        "autodecoder), or the rate tells next to nothing.",
        advice=advice.use_the_code,
        holds=unused,
    ),
    "rate-without-information": Finding(
        condition="R is above 0.1 nats, and I(n;z) below 0.1 nats and a tenth of R.",
        find=lambda e: None if len(e.levels) > 1 else notices.rate_without_information(e.estimates),
    ),
    "encoder-gap": Finding(
        condition="R + D is above the IWAE bound by more than 2 standard errors and 1 % of R, and "
        "nobody asked for the inference gap.",
        advice=advice.improve_encoder,
        holds=lambda report: (
            "inference_gap" not in report.estimates and advice.encoder_gap(report) is not None
        ),
    ),
    "collapsed-dimensions": Finding(
        condition="A latent dimension is not active and costs less than 0.01 nats.",
        find=lambda e: notices.collapsed_dimensions(e.dimensions, e.levels),
        advice=advice.shrink_latent,
    ),
    "density-distortion": Finding(
        condition="The likelihood is a density, or may be one, and no bin width is known.",
        find=lambda e: notices.density_distortion(
            notices.against_blind(e.estimates) is not None
            and not e.discrete
            and e.bin_width is None,
            e.decoded,
            "distortion" in e.estimates,
        ),
    ),
    "monte-carlo-rate": Finding(
        condition="Posterior and prior have no closed-form KL.",
        find=lambda e: notices.monte_carlo_rate(e.rate_analytic),
    ),
    "sandwich-wide": Finding(
        condition="On simulated data the bounds on log p(x) from both sides are more than 0.25 "
        "nats apart, beyond their error.",
        find=lambda e: inference_findings.sandwich_wide(e.inference),
    ),
    "annealing-unfinished": Finding(
        condition="The bound on log p(x) moved by more than the tolerance at the most steps.",
        find=lambda e: inference_findings.unfinished(e.inference),
    ),
    "annealing-uneven": Finding(
        condition="Fewer than 3 of an example's chains decide log p(x), effectively.",
        find=lambda e: inference_findings.uneven(e.inference),
    ),
    "tolerance-missed": Finding(
        condition="The Monte Carlo error of I(n;z), or of a diffusion model's bound, is above the "
        "tolerance asked for.",
        find=lambda e: e.missed,
        advice=advice.more_queries,
    ),
    "label-saturated": Finding(
        condition="Nine tenths of I(y;z) for these N would be there for a random label.",
        find=lambda e: label_findings.saturated(e.labels),
    ),
    "constant-scale": Finding(
        condition="The scale of the posteriors is the same for every example.",
        find=lambda e: constant_scale(e.blocks),
    ),
}
"""Every finding by its code, the most important first."""

FOREIGN = list(FINDINGS).index("bernoulli-on-grey")
"""Where warnings of plugins stand, and of probes and estimators that failed."""


def findings(evidence: Evidence) -> list[Notice]:
    """Every warning that the evidence calls for, most important first.

    Args:
        evidence: of one report.
    """
    order = {code: place for place, code in enumerate(FINDINGS)}
    made = [finding.find(evidence) for finding in FINDINGS.values() if finding.find is not None]
    every = [*evidence.said, *(notice for notice in made if notice is not None)]
    return sorted(every, key=lambda notice: order.get(notice.code, FOREIGN))


def stakes(evidence: Evidence) -> dict[str, list[float]]:
    """Nats at stake and their standard error, by code, where no estimate of a report has them.

    Args:
        evidence: of one report.
    """
    found = {}
    columns = {
        "logits-may-be-probabilities": evidence.logits_gain,
        "probs-rounded": evidence.probs_off,
    }
    for code, column in columns.items():
        if column is not None:
            each = column.mean(0)
            error = float(each.std(correction=0)) / math.sqrt(max(1, len(each)))
            found[code] = [float(each.mean()), error]
    own, held = evidence.own_scale, notices.against_blind(evidence.estimates)
    if own is not None and held is not None:
        error = advice.error_of(held[0]) or 0.0
        found["distortion-above-blind"] = [held[0].value - own.blind, error]
        if "distortion" in evidence.estimates:
            found["fixed-scale"] = saved_by_best_scale(own, evidence.values, error)
    return found


def read_more(code: str) -> str:
    """Where the documentation says more of a code: whole where the package says where that is.

    Args:
        code: of a warning.

    Example:
        >>> read_more("saturated").endswith("warnings.html#saturated")
        True
    """
    return f"{documentation()}{PAGE}#{code}"


def documentation() -> str:
    """The address that the package's metadata give for its documentation; empty if none."""
    for url in metadata("genprobe").get_all("Project-URL") or ():
        label, _, address = url.partition(", ")
        if label.lower() == "documentation":
            return f"{address.rstrip('/')}/"
    return ""
