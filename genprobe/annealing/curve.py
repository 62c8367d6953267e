r"""The decoder's own curve: the least rate and distortion that any encoder could reach with it.

.. math::

    q_\beta \propto p(z) p(x|z)^\beta, \qquad R(\beta) + \beta D(\beta) = -\log Z_\beta,

with R = E KL(q_β ‖ p) and D = −E log p(x|z) under q_β. The sum is bounded from above by annealed
chains; D is the mean over their ends, weighed, and R what is left. Huang, Makhzani, Cao & Grosse
(2020), "Evaluating lossy compression rates of deep generative models".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.annealing.ais import anneal, tune
from genprobe.annealing.jackknife import jackknife, log_mean_weight
from genprobe.annealing.posterior_fit import fit_posterior
from genprobe.annealing.target import Target
from genprobe.errors import UsageError
from genprobe.runtime.seeds import derived_seed
from genprobe.types import Family, Params

STEPS = 450
"""Of the fit at each β, which starts at its neighbour's."""
TEMPERATURES = 128
CHAINS = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Weighed chains at each β.

    Attributes:
        betas: B of them, rising.
        log_weight: (B, chain, M) nats, float64; E exp is Z_β.
        distortion: −log p(x|z) at the ends (B, chain, M), nats.
        evaluations: gradients of log p(x|z) that were taken, of one z each.
    """

    betas: tuple[float, ...]
    log_weight: Tensor
    distortion: Tensor
    evaluations: int


def decoder_curve(
    target: Target,
    family: Family,
    params: Params,
    betas: Sequence[float],
    *,
    temperatures: int = TEMPERATURES,
    chains: int = CHAINS,
    fit_steps: int = STEPS,
    seed: int,
) -> Curve:
    """Chains to q_β at each β, each from its own optimised start.

    Args:
        target: of M examples; its own β does not matter.
        family: of the start.
        params: the best posterior at β = 1, each (M, ...).
        betas: above 0, in any order.
        temperatures: of each chain.
        chains: of each example at each β.
        fit_steps: of the fit at each β, which starts at its neighbour's.
        seed: of the noise.

    Raises:
        UsageError: if a β is not above 0.
        UnavailableError: if the family cannot be annealed from, with the reason.
    """
    if not betas or not all(0 < beta < float("inf") for beta in betas):
        raise UsageError("The decoder's curve needs values of β above 0.")
    found: dict[float, tuple[Tensor, Tensor, int]] = {}
    below = sorted((beta for beta in betas if beta < 1), reverse=True)
    for side in (sorted(beta for beta in betas if beta >= 1), below):
        start = params
        for beta in side:
            own = derived_seed(seed, "curve", str(beta))
            there = replace(target, beta=beta)
            start = fit_posterior(there, family, start, steps=fit_steps, seed=own)
            steps = tune(there, family, start, chains=chains, seed=derived_seed(own, "tune"))
            run = anneal(
                there, family, start, steps, temperatures=temperatures, chains=chains, seed=own
            )
            found[beta] = run.log_weight, run.distortion, run.evaluations
    order = tuple(sorted(found))
    return Curve(
        betas=order,
        log_weight=torch.stack([found[beta][0] for beta in order]),
        distortion=torch.stack([found[beta][1] for beta in order]),
        evaluations=sum(found[beta][2] for beta in order),
    )


def total_at(
    log_weight: Float64[Tensor, "chain M"],
) -> tuple[Float64[Tensor, " M"], Float64[Tensor, " M"]]:
    """R + βD of each example, from above, and its variance over chains.

    Args:
        log_weight: (chain, M) at this β, nats.

    >>> total_at(-torch.ones(2, 1).double())[0].item()
    1.0
    """
    values, variances = jackknife(log_mean_weight, log_weight)
    return -values, variances


def distortion_at(
    log_weight: Float64[Tensor, "chain M"], distortion: Float64[Tensor, "chain M"]
) -> tuple[Float64[Tensor, " M"], Float64[Tensor, " M"]]:
    """D of each example under q_β, and its variance over chains.

    Args:
        log_weight: (chain, M) at this β, nats.
        distortion: (chain, M) at the ends of the chains, nats.

    >>> log_weight = torch.tensor([[0.0], [0.0]]).double()
    >>> distortion_at(log_weight, torch.tensor([[1.0], [3.0]]).double())[0].item()
    2.0
    """
    return jackknife(weighed_mean, log_weight, distortion)


def rate_at(
    beta: float,
    log_weight: Float64[Tensor, "chain M"],
    distortion: Float64[Tensor, "chain M"],
) -> tuple[Float64[Tensor, " M"], Float64[Tensor, " M"]]:
    """R of each example under q_β, −log Z_β − βD, and its variance over chains.

    Args:
        beta: β.
        log_weight: (chain, M) at this β, nats.
        distortion: (chain, M) at the ends of the chains, nats.
    """

    def rate(log_weight: Tensor, distortion: Tensor) -> Tensor:
        return -log_mean_weight(log_weight) - beta * weighed_mean(log_weight, distortion)

    return jackknife(rate, log_weight, distortion)


def weighed_mean(log_weight: Tensor, values: Tensor) -> Tensor:
    """The mean over chains (M,) of values (chain, M), by their weights."""
    share = log_weight.softmax(0)
    return torch.where(share > 0, share * values, 0).sum(0)
