"""Whether chains from the prior find mass that chains from a posterior did not see.

Chains that start at one of two separate modes of p(z|x) never see the other: their weights agree
with each other, at any length, and their bound is too low by the log of the share that they miss
(ln 2 where modes are equal). Chains from the prior are looser, but may visit every mode. Both bound
log p(x) from below, so where theirs is larger by more than the errors, something was missed. The
converse says nothing: neither may have visited a mode.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.annealing.jackknife import jackknife, log_mean_weight

FALSE_ALARMS = 0.01
"""How often all examples together may be called missed by chance."""
LEAST = 0.05
"""Nats of one example that are worth a warning."""


@dataclass(frozen=True, kw_only=True)
class MissedModes:
    """What chains from the prior say about those from a posterior.

    Attributes:
        missed: whether they found mass that the others did not see, of single examples or in the
            mean over all.
        examples: of how many single examples they did.
        difference: mean over these examples of the log mean weight of theirs less that of the
            others, nats; over all examples where there are none.
        error: standard error of ``difference``.
    """

    missed: bool
    examples: int
    difference: float
    error: float


def missed_modes(
    log_weight: Float64[Tensor, "chain M"], prior_log_weight: Float64[Tensor, "priorchain M"]
) -> MissedModes:
    """Compare chains from a posterior with chains from the prior.

    Args:
        log_weight: of ``anneal`` (chain, M), nats.
        prior_log_weight: of ``anneal_from_prior`` for the same examples.

    Example:
        >>> noise = torch.randn(16, 3, generator=torch.Generator().manual_seed(0)).double() / 10
        >>> missed_modes(noise, noise.flip(0) + math.log(2)).examples
        3
        >>> missed_modes(noise, noise.flip(0) - 1).missed
        False
    """
    mine, my_variance = jackknife(log_mean_weight, log_weight)
    theirs, their_variance = jackknife(log_mean_weight, prior_log_weight)
    gain, variance = theirs - mine, my_variance + their_variance
    share = torch.tensor(1 - FALSE_ALARMS / (len(gain) + 1), dtype=torch.float64)
    deviations = float(torch.special.ndtri(share))
    found = (gain > LEAST) & (gain > deviations * variance.sqrt())
    some = found if found.any() else torch.ones_like(found)
    difference = float(gain[some].mean())
    error = math.sqrt(float(variance[some].sum())) / int(some.sum())
    return MissedModes(
        missed=difference > deviations * error,
        examples=int(found.sum()),
        difference=difference,
        error=error,
    )
