r"""How many steps of an example are looked at, and which: an allocation found by a pilot.

R = Σ_t R_t is estimated from few steps t ~ p as the mean of R_t/p_t, whose variance is least for
p_t ∝ (E R_t²)^½. The pilot measures that on other noise, at some levels, and between them the
squared error is interpolated over log SNR, where it is smooth: so a schedule of a thousand steps
takes no more than one of fifty. Its numbers decide which steps are looked at and nothing else;
whatever they are, the estimate is unbiased.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.diffusion.octaves import Octaves, octaves_of
from genprobe.diffusion.schedule import Schedule

REPLICATES = 2
"""Independent estimates of every example, from whose difference the error is known."""
EVEN = 0.2
"""Share of the steps that every octave of SNR gets an equal part of, by far fewer nats in some."""
AN_OCTAVE = 20
"""Steps of each octave that are looked at over all examples, at least: fewer know no error."""
MOST = 4096
"""Steps of a replicate of an example, at most."""
DIGITS = 4
"""To which a plan is rounded, so that it is the same on every machine."""
SAFE = 1.25
"""By how much more is drawn than the pilot says: its spread is an estimate itself."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Which steps of an example are looked at.

    Attributes:
        probability: (T,) of each step t, in proportion to which they are drawn; 0 at t = 0.
        steps: how many of them a replicate draws.
        decoded: how many states at t = 0 it draws, for the decoder term.
    """

    probability: Float64[Tensor, " T"]
    steps: int
    decoded: int

    @property
    def evaluations(self) -> int:
        """Calls of the network an example, in all replicates."""
        return REPLICATES * (self.steps + self.decoded)


def pilot_levels(schedule: Schedule, count: int) -> Int64[Tensor, " k"]:
    """Steps at which the pilot looks, evenly over log SNR, rising.

    Args:
        schedule: of the chain.
        count: how many at most.
    """
    log = schedule.log2_snr[1:]
    wanted = torch.linspace(float(log[0]), float(log[-1]), count).double()
    near = (log[None] - wanted[:, None]).abs().argmin(1) + 1
    levels: Tensor = torch.unique(near)
    return levels


def interpolated(
    values: Float64[Tensor, " k"], at: Int64[Tensor, " k"], schedule: Schedule
) -> Float64[Tensor, " T"]:
    """Positive values at some steps, between them by their logarithms over log SNR.

    Args:
        values: at the steps ``at``.
        at: rising.
        schedule: of the chain.
    """
    floor = max(float(values.max()) * 1e-12, 1e-300)
    x, y = -schedule.log2_snr[at].numpy(), values.clamp(min=floor).log().numpy()
    return torch.from_numpy(np.exp(np.interp(-schedule.log2_snr.numpy(), x, y)))


def plan_from(
    kl: Float64[Tensor, "pair k example"],
    at: Int64[Tensor, " k"],
    weights: Float64[Tensor, " T"],
    decoder: Float64[Tensor, "pair example"],
    schedule: Schedule,
    *,
    known: float,
    n: int,
    tolerance: float,
    values: int,
) -> Plan:
    """The plan that brings the error of the bound to a tolerance, by what a pilot saw.

    Args:
        kl: R_t at some steps, each example under two noises, nats.
        at: the steps, rising.
        weights: (T,) nats that a step costs at one squared error, positive from t = 1 on: what is
            left of R_t is interpolated.
        decoder: the decoder term of each example under two noises, nats.
        schedule: of the chain.
        known: what is to be paid besides, nats: the prior term, and that of known variances.
        n: number of examples.
        tolerance: wanted standard error of the bound over all examples, in bits a value, or as a
            share of the rate where that is more.
        values: of an example.
    """

    def along(found: Float64[Tensor, " k"], power: int) -> Float64[Tensor, " T"]:
        scale = weights**power
        return interpolated((found / scale[at]).clamp(min=0), at, schedule) * scale

    noise, square = (
        along((kl[0] - kl[1]).square().mean(1) / 2, 2),
        along(kl.square().mean((0, 2)), 2),
    )
    rate = float(along(kl.mean((0, 2)), 1)[1:].sum())
    octaves = octaves_of(schedule)
    probability = steps_probability(square, schedule, octaves)
    share = torch.where(probability > 0, 1 / probability.clamp(min=1e-300), 0.0)
    within, whole = float((noise * share).sum()), float((square * share).sum())
    between = max(0.0, whole - within - rate**2)
    error = tolerance * max(values * math.log(2), rate + known) / SAFE
    decoded = float((decoder[0] - decoder[1]).square().mean() / 2)
    steps, states = counts(within, between, decoded, n * error**2 * REPLICATES)
    least = math.ceil(AN_OCTAVE * len(octaves.numbers) / (EVEN * REPLICATES * n))
    return Plan(probability=probability, steps=min(MOST, max(steps, least)), decoded=states)


def steps_probability(
    square: Float64[Tensor, " T"], schedule: Schedule, octaves: Octaves
) -> Float64[Tensor, " T"]:
    """In proportion to what steps are drawn: mostly to the root of E R_t², and some evenly.

    Args:
        square: E R_t² of each, nats².
        schedule: of the chain.
        octaves: of the schedule.
    """
    root = square.sqrt()
    root[0] = 0.0
    fall = -torch.diff(schedule.log2_snr, prepend=schedule.log2_snr[:1])
    of_octave = torch.zeros(len(octaves.numbers)).double().index_add_(0, octaves.of_step, fall)
    even = fall / of_octave[octaves.of_step] / len(octaves.numbers)
    known = float(root.sum())
    mixed = (1 - EVEN) * root / known + EVEN * even if known > 0 else even
    rounded = torch.tensor([float(f"{p:.{DIGITS}g}") for p in mixed.tolist()]).double()
    return rounded / rounded.sum()


def counts(within: float, between: float, decoded: float, wanted: float) -> tuple[int, int]:
    """How many steps and decoder terms of an example reach a variance at the least cost.

    Strata leave of the variance between steps a share that falls with the square of their number
    at least; the noise of steps and decoder falls with its inverse, and is shared out in proportion
    to standard deviations (Neyman 1934).

    Args:
        within: variance of R_t/p_t under noise, nats².
        between: of its means over steps, nats².
        decoded: variance of one decoder term, nats².
        wanted: variance of the sum for one example, nats².

    Example:
        >>> counts(4.0, 0.0, 1.0, 0.1), counts(4.0, 100.0, 0.0, 1.0)
        ((60, 30), (13, 1))
    """
    roots = math.sqrt(within) + math.sqrt(decoded)
    states = min(MOST, max(1, math.ceil(math.sqrt(decoded) * roots / wanted)))
    left = max(wanted - decoded / states, wanted * 1e-3)
    steps = (within + math.sqrt(within**2 + 4 * left * between)) / (2 * left)
    return min(MOST, max(1, math.ceil(steps))), states


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """A plan as plain types."""
    return {"steps": plan.steps, "decoded": plan.decoded, "probability": plan.probability.tolist()}


def plan_from_dict(content: Mapping[str, Any]) -> Plan:
    """What ``plan_to_dict`` wrote."""
    probability = torch.tensor(content["probability"]).double()
    return Plan(probability=probability, steps=content["steps"], decoded=content["decoded"])


def stratified_steps(
    plan: Plan, uniform: Float64[Tensor, "draw batch"]
) -> Int64[Tensor, "draw batch"]:
    """Steps of a replicate: one from each stratum of equal probability along t.

    Args:
        plan: of ``steps`` draws.
        uniform: (steps, batch) numbers in [0, 1).

    Example:
        >>> even = Plan(probability=torch.tensor([0.0, 0.5, 0.5]).double(), steps=2, decoded=1)
        >>> stratified_steps(even, torch.tensor([[0.9], [0.1]]).double()).flatten()
        tensor([1, 2])
    """
    rank = torch.arange(plan.steps).double()[:, None]
    edges = plan.probability.cumsum(0)
    found = torch.searchsorted(edges, (rank + uniform) / plan.steps * edges[-1], right=True)
    return found.clamp(max=int(plan.probability.nonzero()[-1]))
