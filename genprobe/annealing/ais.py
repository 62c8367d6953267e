r"""Annealed importance sampling: an unbiased estimate of ∫ p(z) p(x|z)^β dz for each example.

Chains start at draws of q and pass through f_b of ``annealing.sampler`` at b_1 < … < b_T = 1, with
a move at each. A state is weighed before its move:

.. math::

    \log w = \sum_t (b_t - b_{t-1}) \big[\log p(z_{t-1}) + \beta \log p(x|z_{t-1})
        - \log q(z_{t-1})\big],
    \qquad E\,w = Z_\beta .

So −log of the mean weight of C chains bounds −log Z from above in expectation, by about V/2C for a
variance V of log w. The size of steps is tuned in runs whose weights are thrown away, and is fixed
while chains are weighed: tuning while weighing would bias them. Neal (2001), "Annealed importance
sampling"; from the encoder's posterior, Ding & Freedman (2019).
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.annealing.sampler import move
from genprobe.annealing.starts import Start, from_posterior, from_prior, linear
from genprobe.annealing.target import Target
from genprobe.runtime.seeds import derived_seed
from genprobe.types import Family, Params

LEAPS = 2
"""Steps of a trajectory: of 1, 2, 3, 4 and 8 at equal cost, two left the least variance."""
GRID = 16
"""Stretches of the path, each of which has its own sizes of steps."""
ACCEPTED = 0.75
"""The probability of acceptance that step sizes are tuned to."""
GAIN = 0.5
"""By how much the log of a step size follows the acceptance of one move, while tuning."""
LATER_GAIN = 1.0
"""By how much that of a stretch follows its acceptance in a whole run."""
TUNING = 48
"""Temperatures of the run that only tunes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Anneal:
    """What chains found.

    Attributes:
        log_weight: (chain, M) nats, float64.
        z: where chains ended (chain, M, *latent): with their weights, draws of q_β.
        distortion: −log p(x|z) there (chain, M), nats.
        acceptance: mean probability of acceptance (M,).
        steps: sizes of steps (stretch, M) that a next run should take, by this one's acceptances.
        evaluations: gradients of log p(x|z) that were taken, of one z each.
    """

    log_weight: Tensor
    z: Tensor
    distortion: Tensor
    acceptance: Tensor
    steps: Tensor
    evaluations: int


def tune(
    target: Target,
    family: Family,
    params: Params,
    *,
    temperatures: int = TUNING,
    chains: int = 8,
    seed: int,
) -> Float64[Tensor, "stretch M"]:
    """Sizes of steps for each example along the path, from a run whose weights are not used.

    Args:
        target: of M examples.
        family: of q.
        params: of the start q, each (M, ...): best those of ``fit_posterior``.
        temperatures: of that run.
        chains: of that run.
        seed: of its noise.

    Raises:
        UnavailableError: if the family cannot be annealed from, with the reason.
    """
    start = from_posterior(target, family, params, chains, seed)
    return tuned(start, temperatures, seed)


def anneal(
    target: Target,
    family: Family,
    params: Params,
    steps: Float64[Tensor, "stretch M"],
    *,
    temperatures: int,
    chains: int,
    seed: int,
    prior_share: float = 0.0,
) -> Anneal:
    """Chains from q to the target, with these sizes of steps.

    Args:
        target: of M examples.
        family: of q.
        params: of the start q, each (M, ...).
        steps: of ``tune``, or of an earlier run with another seed.
        temperatures: T.
        chains: C, of each example.
        seed: of the noise, which no other run of these chains has.
        prior_share: of the chains that start at the prior instead, where an earlier run missed a
            mode: they can find it, and the weights stay unbiased. In many dimensions theirs are
            about 0. An earlier run must have decided it.

    Example:
        The posterior of N(z, 1) under a standard normal prior at x = 1: p(x) = N(1; 0, 2).

        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> target = Target(
        ...     log_px_z=lambda z, rows: (-(1 - z[:, 0]).square() / 2 - 0.918939, 1 - z),
        ...     log_pz=lambda z: (-z[:, 0].square() / 2 - 0.918939, -z),
        ... )
        >>> params = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> steps = tune(target, diagonal_normal, params, seed=0)
        >>> found = anneal(
        ...     target, diagonal_normal, params, steps, temperatures=100, chains=100, seed=1
        ... )
        >>> round(found.log_weight.exp().mean().log().item(), 1)  # −½ ln 4π − ¼
        -1.5
    """
    start = from_posterior(target, family, params, chains, seed, prior_share)
    return forward(start, steps, temperatures, seed)


def reverse_anneal(
    target: Target,
    family: Family,
    params: Params,
    steps: Float64[Tensor, "stretch M"],
    z: Tensor,
    *,
    temperatures: int,
    chains: int,
    seed: int,
) -> Float64[Tensor, "chain M"]:
    r"""Chains from exact draws of the posterior back to q: an upper bound on log p(x).

    Each value is minus the log weight l of a reverse chain, and has a mean above log p(x). With C
    chains :math:`-\log \frac1C \sum_c e^{-l_c}` is above it in expectation too, and closer: for
    data drawn from the model, of which z is known, it makes a sandwich with ``anneal`` (Grosse,
    Ancha & Roy 2016, "Measuring the reliability of MCMC inference with bidirectional Monte
    Carlo").

    Args:
        target: of M examples x ~ p(x|z).
        family: of q.
        params: of q, each (M, ...).
        steps: as ``anneal`` was given.
        z: (M, *latent), the draws of the prior that the examples were drawn from.
        temperatures: T.
        chains: C, all from the same z.
        seed: of the noise.
    """
    path = from_posterior(target, family, params, chains, seed).path
    code = z.double().expand(chains, *z.shape)
    noise = torch.Generator().manual_seed(derived_seed(seed, "reverse moves"))
    schedule, state = linear(temperatures), path.at(path.space.u_of(code).contiguous())
    log_weight = torch.zeros(code.shape[:2], dtype=torch.float64)
    for t in range(temperatures, 0, -1):
        b = float(schedule[t])
        state, _ = move(path, state, b, steps[stretch(t, temperatures)], LEAPS, noise)
        log_weight += (b - float(schedule[t - 1])) * (state.log_target - state.log_start)
    return log_weight


def anneal_from_prior(
    target: Target,
    family: Family,
    params: Params,
    *,
    temperatures: int,
    chains: int,
    seed: int,
) -> Anneal:
    """Chains that start at the prior, and may find modes that those from q never see.

    They tune in a first run of their own, which is counted among the evaluations.

    Args:
        target: of M examples, whose prior can be drawn from.
        family: of q, for the coordinates in which chains move.
        params: of q, each (M, ...).
        temperatures: T.
        chains: C, of each example.
        seed: of the noise.

    Raises:
        UnavailableError: if the prior cannot be drawn from, or the family has no coordinates.
    """
    first, second = (
        from_prior(target, family, params, chains, derived_seed(seed, run))
        for run in ("tuning", "weighing")
    )
    steps = tuned(first, temperatures, derived_seed(seed, "tuning"))
    found = forward(second, steps, temperatures, derived_seed(seed, "weighing"))
    return replace(found, evaluations=2 * found.evaluations)


def stretch(t: int, temperatures: int) -> int:
    """Which stretch of the path the t-th of T temperatures is in.

    >>> [stretch(t, 32) for t in (1, 2, 3, 32)] == [0, 0, 1, GRID - 1]
    True
    """
    return (t - 1) * GRID // temperatures


def forward(
    start: Start, steps: Float64[Tensor, "stretch M"], temperatures: int, seed: int
) -> Anneal:
    """Weighed chains with fixed sizes of steps."""
    noise = torch.Generator().manual_seed(derived_seed(seed, "moves"))
    schedule, state = start.schedule(temperatures), start.path.at(start.u)
    log_weight = torch.zeros(start.u.shape[:2], dtype=torch.float64)
    accepted, moves = torch.zeros_like(steps), [0] * GRID
    for t in range(1, temperatures + 1):
        b, here = float(schedule[t]), stretch(t, temperatures)
        log_weight += (b - float(schedule[t - 1])) * (state.log_target - state.log_start)
        state, chance = move(start.path, state, b, steps[here], LEAPS, noise)
        accepted[here] += chance.mean(0)
        moves[here] += 1
    counts = torch.tensor(moves, dtype=torch.float64)[:, None]
    missed = (accepted / counts.clamp(min=1) - ACCEPTED) * (counts > 0)
    return Anneal(
        log_weight=log_weight,
        z=state.z,
        distortion=-state.log_px_z,
        acceptance=accepted.sum(0) / temperatures,
        steps=steps * (LATER_GAIN * missed).exp(),
        evaluations=(1 + LEAPS * temperatures) * log_weight.numel(),
    )


def tuned(start: Start, temperatures: int, seed: int) -> Float64[Tensor, "stretch M"]:
    """Sizes of steps that give about the acceptance wanted, from a run of this many moves."""
    noise = torch.Generator().manual_seed(derived_seed(seed, "tuning moves"))
    state, values = start.path.at(start.u), max(1, start.u[0, 0].numel())
    temperatures = max(temperatures, GRID)
    schedule = start.schedule(temperatures)
    log_step = torch.full(start.u.shape[1:2], -math.log(values) / 4, dtype=torch.float64)
    sums, counts = torch.zeros(GRID, len(log_step), dtype=torch.float64), [0] * GRID
    for t in range(1, temperatures + 1):
        state, chance = move(start.path, state, float(schedule[t]), log_step.exp(), LEAPS, noise)
        log_step = log_step + GAIN * (chance.mean(0) - ACCEPTED)
        here = stretch(t, temperatures)
        sums[here] += log_step
        counts[here] += 1
    return (sums / torch.tensor(counts, dtype=torch.float64)[:, None]).exp()
