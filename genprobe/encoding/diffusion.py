"""A diffusion model and data into a store: which steps are looked at, and what they cost.

The states of the chain are as large as the data and never kept: of each example the store has the
prior term, the nats in each octave of SNR, the decoder term, and the squared error along the chain.
Where other models have a code it has a single number that is always 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from genprobe.diffusion.octaves import octaves_of
from genprobe.diffusion.plan import (
    DIGITS,
    pilot_levels,
    plan_from,
    plan_from_dict,
    plan_to_dict,
)
from genprobe.diffusion.sampled import (
    Chain,
    DecoderTerm,
    along,
    decoder_terms,
    octave_rates,
    pilot_rates,
    squared_errors,
)
from genprobe.diffusion.terms import prior_term, step_factors
from genprobe.encoding.calls import Calls
from genprobe.encoding.checks import first_not_finite
from genprobe.encoding.denoiser_calls import chain_of, diffusion_of
from genprobe.encoding.examples import counted_from, read_examples
from genprobe.encoding.repeatable import ROWS, examples_of, require_same_answers
from genprobe.errors import ModelError
from genprobe.runtime.seeds import derived_seed, generator, random_rows, seeded
from genprobe.store.format import Header
from genprobe.types import Dataset, Params

ANSWER = "probes/answer"
"""The column of what tells whether the network is still the same."""
PILOT_LEVELS, PILOT_EXAMPLES = 24, 24
"""Of the pilot, which calls the network twice for each."""
LEAST_SCALE = 1e-6
"""Of what is expected at a point of the curve, in the units of the chain."""
LIKELIHOODS = "normal, discretised-normal (8-bit images) or laplace"
FINITE = "Look at that example, and at what the network says of its nearly clean states."


def describe_chain(calls: Calls, dataset: Dataset, seed: int, tolerance: float) -> dict[str, Any]:
    """What a store says of a diffusion model: its steps, and the plan that a pilot finds for it.

    Args:
        calls: of the model; its modules are in place.
        dataset: to be encoded.
        seed: of the run.
        tolerance: wanted standard error of the bound, bits a value or a share of the rate.

    Raises:
        ModelError: if the network or the likelihood fails, or depends on chance or on the batch.
    """
    chain, given = chain_of(calls), diffusion_of(calls)
    schedule, values = chain.schedule, math.prod(dataset.event_shape)
    require_steady_network(calls, chain, dataset, seed)
    rows = random_rows(dataset.n, PILOT_EXAMPLES, seed, "diffusion-examples").tolist()
    x = torch.cat([read_examples(dataset, row, row + 1, calls.dtype) for row in rows])
    at, weights = pilot_levels(schedule, PILOT_LEVELS), step_factors(schedule, "posterior")[0]
    x_0 = chain.units(x)
    with seeded(derived_seed(seed, "diffusion-pilot")):
        kl = pilot_rates(chain, x_0, at)
        decoder = decoder_terms(chain, x_0, 1, decoder_term(calls, x))
    known = float(prior_term(x_0, schedule).mean() + chain.known_rate(values).sum())
    plan = plan_from(
        kl,
        at,
        weights,
        decoder,
        schedule,
        known=known,
        n=dataset.n,
        tolerance=tolerance,
        values=values,
    )
    octaves = octaves_of(schedule)
    return {
        "steps": schedule.steps,
        "predicts": given.predicts,
        "variance": given.variance,
        "octaves": list(octaves.numbers),
        "points": [list(point) for point in octaves.points],
        "plan": plan_to_dict(plan),
        "scales": scales_of(calls, chain, x_0, octaves.points, seed),
    }


def scales_of(
    calls: Calls, chain: Chain, x: Tensor, points: Sequence[tuple[int, int]], seed: int
) -> list[float]:
    """The scale that suits what is expected of x at each point of the progressive curve.

    Found on other noise, as the plan is: any scale makes a code, so what it costs stays a bound.

    Args:
        calls: of the model.
        chain: of the model.
        x: x_0 of the pilot.
        points: of the curve.
        seed: of the run.

    Returns:
        Root mean squared errors, in the units of the data; none where the likelihood fits its own.
    """
    if calls.likelihood is None or calls.likelihood.fit_scale is not None:
        return []
    with seeded(derived_seed(seed, "diffusion-scales")):
        squared = squared_errors(chain, x, torch.tensor([step for step, _ in points]))
    roots = (squared.mean(1) / x[0].numel()).sqrt().clamp(min=LEAST_SCALE * chain.diffusion.std)
    return [float(f"{root:.{DIGITS}g}") for root in roots.tolist()]


def require_steady_network(calls: Calls, chain: Chain, dataset: Dataset, seed: int) -> None:
    """Check that what the network says of a row depends neither on chance nor on the batch."""
    places, x, _ = examples_of(calls, dataset)
    calls = replace(calls, batch_size=max(calls.batch_size, ROWS))
    predict, schedule = chain_of(calls).predict, chain.schedule
    t = torch.linspace(0, schedule.steps - 1, ROWS).round().long()
    noise = torch.randn(x.shape, generator=generator(seed, "steady"), dtype=torch.float64)
    noisy = spread(schedule.alpha[t], x) * chain.units(x) + spread(schedule.sigma[t], x) * noise

    def ask(rows: Tensor) -> dict[str, Tensor]:
        found, log_variance = predict(noisy[rows], t[rows])
        learned = {} if log_variance is None else {"log-variance": log_variance}
        return {"prediction": found} | learned

    name = f"denoise of {calls.model.name}"
    require_same_answers(name, ask, places, seed, calls.device)


def spread(values: Tensor, x: Tensor) -> Tensor:
    """Values (row,) to be multiplied with x (row, *event)."""
    return values[(...,) + (None,) * (x.dim() - 1)]


def decoder_term(calls: Calls, x: Tensor) -> DecoderTerm:
    """What gives −log p(x|state at t = 0) of examples, nats; at scale 1 where it is to be fitted.

    Args:
        calls: of the model.
        x: (batch, *event) as the data are given.
    """
    likelihood, given = calls.likelihood, diffusion_of(calls)
    fitted = likelihood is not None and likelihood.fit_scale is not None
    sigma = float(torch.as_tensor(given.sigma)[0])

    def term(expected: Tensor, log_variance: Tensor | None) -> Tensor:
        own = torch.tensor(sigma).double() if log_variance is None else (log_variance / 2).exp()
        outputs = {"loc": given.mean + given.std * expected}
        if not fitted:
            outputs["scale"] = given.std * own
        p = around(calls, outputs)
        draws = len(expected) // len(x)
        return -p.log_prob(x.expand(draws, *x.shape).flatten(0, 1)).double()

    return term


def around(calls: Calls, outputs: Params) -> Distribution:
    """The model's likelihood around what is expected of x, of batch shape (row,).

    Args:
        calls: of the model.
        outputs: ``loc`` (row, *event), and ``scale`` unless that is fitted.

    Raises:
        ModelError: if the likelihood is of other parameters.
    """
    if calls.likelihood is None:
        raise ModelError(f"{calls.model.name} has no likelihood.", f"Name one: {LIKELIHOODS}.")
    try:
        return calls.likelihood.distribution(outputs)
    except ModelError as error:
        raise ModelError(
            f"The likelihood of a diffusion model is one of loc and scale, and "
            f"{calls.likelihood.name} is not: {error.what}",
            f"Name another: {LIKELIHOODS}.",
        ) from error


def diffusion_columns(
    calls: Calls, x: Tensor, chosen: Tensor, header: Header, start: int
) -> dict[str, Tensor]:
    """What a store has of examples, by path; noise from the global generator.

    Args:
        calls: of the model; its modules are in place.
        x: (batch, *event) as the data are given.
        chosen: positions in x of those whose squared error along the chain is looked at.
        header: of the store.
        start: position of the first example in the data set.

    Raises:
        ModelError: if the network fails, or naming the first example without a finite term.
        SupportError: naming the example where the likelihood is not defined.
    """
    chain, said = chain_of(calls), header.diffusion or {}
    x_0, plan = chain.units(x), plan_from_dict(said["plan"])
    rates = octave_rates(chain, x_0, plan, octaves_of(chain.schedule))
    with counted_from(start):
        decoder = decoder_terms(chain, x_0, plan.decoded, decoder_term(calls, x))
    top = prior_term(x_0, chain.schedule)
    fitted = calls.likelihood is not None and calls.likelihood.fit_scale is not None
    found = {
        "probes/rate": rates.sum(1) + top,
        "probes/prior_term": top[None],
        "probes/octave_rate": rates.flatten(0, 1),
        f"probes/{'unit_distortion' if fitted else 'distortion'}": decoder,
        ANSWER: answers(chain, x_0, range(start, start + len(x)), header.seed)[None],
    }
    for name in ("probes/rate", f"probes/{'unit_distortion' if fitted else 'distortion'}"):
        bad = first_not_finite(found[name])
        if bad is not None:
            what = "term of the decoder" if name.endswith("distortion") else "rate"
            raise ModelError(
                f"{calls.model.name} has a {what} that is not finite, at example {start + bad}.",
                FINITE,
            )
    if len(chosen):
        found["subset/index"] = start + chosen
        found |= curve_columns(calls, chain, x[chosen], said)
    return found | placeholders(len(x), header, calls.dtype)


def curve_columns(
    calls: Calls, chain: Chain, x: Tensor, said: Mapping[str, Any]
) -> dict[str, Tensor]:
    """The squared error at each point of the progressive curve, and what x costs given its state.

    Args:
        calls: of the model.
        chain: of the model.
        x: (some, *event) as the data are given.
        said: of the chain, by the header.
    """
    squared, nats = [], []
    steps = torch.tensor([step for step, _ in said["points"]])
    for i, error in enumerate(along(chain, chain.units(x), steps)):
        squared.append(error.flatten(1).square().sum(1))
        if said["scales"]:
            scale = torch.tensor(said["scales"][i], dtype=torch.float64)
            p = around(calls, {"loc": x.double() - error, "scale": scale})
            nats.append(-p.log_prob(x).double())
    found = {"subset/progressive": torch.stack(squared)}
    return found | ({"subset/progressive_nats": torch.stack(nats)} if nats else {})


def placeholders(count: int, header: Header, dtype: torch.dtype) -> dict[str, Tensor]:
    """A code that says nothing, where other models have theirs."""
    zeros = torch.zeros(header.draws, count, dtype=torch.float64)
    return {
        "params/loc": torch.zeros(count, 1, dtype=dtype),
        "params/scale": torch.ones(count, 1, dtype=dtype),
        "draws/z": torch.zeros(header.draws, count, 1, dtype=dtype),
        "draws/log_qz_x": zeros,
        "draws/log_pz": zeros,
    }


def answers(chain: Chain, x: Tensor, rows: Sequence[int], seed: int) -> Tensor:
    """A number of each example that tells whether the network is still the same.

    The root mean square of what it predicts where signal and noise are most alike.

    Args:
        chain: of the model.
        x: x_0 (batch, *event).
        rows: their positions in the data set.
        seed: of the run.
    """
    schedule = chain.schedule
    step = int(schedule.log2_snr.abs().argmin())
    noise = torch.stack(
        [
            torch.randn(x.shape[1:], generator=generator(seed, "answer", i), dtype=x.dtype)
            for i in rows
        ]
    )
    noisy = schedule.alpha[step] * x + schedule.sigma[step] * noise
    found, _ = chain.predict(noisy, torch.full((len(x),), step))
    return found.flatten(1).square().mean(1).sqrt()
