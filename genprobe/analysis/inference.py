"""What a report says of inference: how far annealing can be trusted, and the decoder's curve."""

from dataclasses import replace

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.analysis.evidence import columns_of
from genprobe.analysis.withheld import stated
from genprobe.annealing.curve import distortion_at, rate_at, total_at
from genprobe.annealing.jackknife import effective_sample_size
from genprobe.annealing.missed_modes import missed_modes
from genprobe.errors import UnavailableError
from genprobe.estimators.annealing import Annealing, Terms, beside_of
from genprobe.estimators.iwae_bound import iwae_bounds, jackknife_variance
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.standard_error import data_error, mean_over_examples
from genprobe.report import Estimate
from genprobe.report.inference import CurvePoint, InferenceReport
from genprobe.store.inference import BEFORE, CURVE, SIMULATED, UNMIXED, KeptInference

FAR, BEYOND = 0.5, 3.0
"""Nats, and errors, by which both bounds on a simulated example are far apart."""
Known = tuple[Float64[Tensor, "1 n"], Float64[Tensor, "draw n"]]
"""The rate, in closed form, and the distortion of all examples."""


def annealed_inference(quantities: Quantities) -> InferenceReport | None:
    """What a report says of inference besides its estimates; None where nobody asked for it.

    Args:
        quantities: of the store.
    """
    try:
        annealing = quantities.annealing
    except UnavailableError:
        return None
    encodes = quantities.header.encoder
    known = columns_of(quantities) if encodes else {}
    whole = quantities.rate_analytic and len(known) == 2
    pair = (known["rate"], known["distortion"]) if whole else None
    found = inference_report(annealing, pair)
    if found is not None and not encodes:
        found = replace(found, steps_gain={})
    return found and as_stated(found, quantities.observations)


def as_stated(inference: InferenceReport, observations: int) -> InferenceReport:
    """The same without the errors over the data that so few examples do not support.

    Args:
        inference: as it was estimated.
        observations: how many distinct examples there are in all.
    """
    n = min(inference.n, observations)

    def said(estimate: Estimate | None) -> Estimate | None:
        return estimate and stated({"": estimate}, n)[""]

    return replace(
        inference,
        half_length=said(inference.half_length),
        prior_chains=said(inference.prior_chains),
        steps_gain={k: stated({"": e}, n)[""] for k, e in inference.steps_gain.items()},
        curve=tuple(
            CurvePoint(
                beta=point.beta,
                **stated({k: getattr(point, k) for k in ("rate", "distortion", "cost")}, n),
            )
            for point in inference.curve
        ),
    )


def inference_report(annealing: Annealing, known: Known | None) -> InferenceReport | None:
    """What a report says of inference besides its estimates; None outside a store.

    Args:
        annealing: of some examples.
        known: of all examples; None where they are not.
    """
    kept = annealing.kept
    if kept is None:
        return None
    facts, arrays, weights = kept.facts, kept.arrays, annealing.log_weight - annealing.bins
    acceptance, effective = arrays["acceptance"], effective_sample_size(weights)
    alone = arrays.get(UNMIXED, weights)
    return InferenceReport(
        n=len(kept.index),
        prior=facts["prior"],
        temperatures=facts["temperatures"],
        chains=facts["chains"],
        max_steps=facts["max_steps"],
        tolerance=facts["tolerance"],
        reached=facts["reached"],
        evaluations=facts["evaluations"],
        acceptance=float(acceptance.mean()),
        least_acceptance=float(acceptance.min()),
        effective_sample_size=float(effective.mean()),
        least_effective_sample_size=float(effective.min()),
        half_length=risen(annealing, "half_length_gain", arrays.get(BEFORE), weights),
        steps_gain={
            steps: mean_over_examples(
                "steps_gain",
                elbo - arrays["elbo"],
                n=annealing.n,
                kind="lower",
                which=annealing.which,
            )
            for steps, elbo in kept.iterated.items()
            if steps
        },
        prior_chains=risen(annealing, "prior_chains_gain", alone, arrays["prior_weight"]),
        missed=missed_modes(alone, arrays["prior_weight"]).examples,
        mixed=UNMIXED in arrays,
        simulated=simulated_gap(kept),
        simulated_wide=count_wide(kept),
        curve=decoder_curve(annealing, known),
    )


def risen(
    annealing: Annealing,
    name: str,
    before: Float64[Tensor, "onechain m"] | None,
    after: Float64[Tensor, "otherchain m"],
) -> Estimate | None:
    """By how much log p(x) is larger by some chains than by others, nats; None without two of each.

    Args:
        annealing: of the examples.
        name: of the estimate.
        before: (chain, m) log weights.
        after: (chain, m) log weights of other chains.
    """
    draws = 0 if before is None else min(len(before), len(after))
    if before is None or draws < 2:
        return None
    noise = jackknife_variance(before) + jackknife_variance(after)
    apart = iwae_bounds(before) - iwae_bounds(after)
    return annealing.of_all(name, Terms(apart, noise, draws), kind="estimate")


def simulated_gap(kept: KeptInference) -> Estimate | None:
    """How far apart the bounds from both sides are on simulated data, nats; None without any.

    Chains from an exact draw of the posterior back to the start have weights of mean 1/p(x), so
    −log of their mean is above log p(x) as that of the others is below.
    """
    if not kept.simulated:
        return None
    width, _ = widths(kept)
    error = data_error(width[None])
    return Estimate(
        name="simulated_gap",
        value=float(width.mean()),
        se=error,
        se_data=error,
        kind="upper",
        n=kept.simulated,
    )


def widths(kept: KeptInference) -> tuple[Float64[Tensor, " s"], Float64[Tensor, " s"]]:
    """How far apart both bounds are on each simulated example, and the variance of that."""
    forward, reverse = (kept.arrays[name] for name in SIMULATED)
    width = iwae_bounds(forward) + iwae_bounds(-reverse)
    return width, jackknife_variance(forward) + jackknife_variance(-reverse)


def count_wide(kept: KeptInference) -> int:
    """Simulated examples on which both bounds are far apart, beyond their errors over chains.

    Where chains miss a part of a posterior, some widths are many nats, and their mean says little.
    """
    if not kept.simulated:
        return 0
    width, variance = widths(kept)
    return int((width > torch.clamp(BEYOND * variance.sqrt(), min=FAR)).sum())


def decoder_curve(annealing: Annealing, known: Known | None) -> tuple[CurvePoint, ...]:
    """The least R and D that any encoder could reach with the decoder, by β; empty without any.

    Args:
        annealing: of some examples.
        known: of all examples; None where they are not.
    """
    kept = annealing.kept
    if kept is None or not kept.betas:
        return ()
    beta, weights, distortions = (kept.arrays[name] for name in CURVE)
    each = zip(beta.tolist(), weights, distortions - annealing.bins, strict=True)
    return tuple(curve_point(annealing, known, *at) for at in each)


def curve_point(
    annealing: Annealing,
    known: Known | None,
    beta: float,
    weights: Float64[Tensor, "chain m"],
    distortion: Float64[Tensor, "chain m"],
) -> CurvePoint:
    """One point of the curve.

    R + βD is −log of the mean weight, whose normaliser is that of p(z) p(x|z)^β; D is the mean over
    the ends of the chains by their weights; R is what is left.

    Args:
        annealing: of the examples.
        known: of all examples; None where they are not.
        beta: β.
        weights: (chain, m) log weights, of densities.
        distortion: (chain, m) at the ends, of bins where they are known.
    """
    cost, noise = total_at(weights)
    figures = {
        "rate": rate_at(beta, weights, distortion + annealing.bins),
        "distortion": distortion_at(weights, distortion),
        "cost": (cost - beta * annealing.bins, noise),
    }
    shares = {"rate": (1.0, 0.0), "distortion": (0.0, 1.0), "cost": (1.0, beta)}
    found = {
        name: annealing.of_all(
            f"curve_{name}",
            Terms(values, noise, len(weights)),
            kind="upper" if name == "cost" else "estimate",
            beside=beside_of(annealing, *known, *shares[name]) if known else None,
        )
        for name, (values, noise) in figures.items()
    }
    return CurvePoint(beta=beta, **found)
