"""How long chains must be, and how many: both grow until the bound stops moving.

Each run (rung) has fresh noise, and step sizes from the acceptances of the one before, which shows
what half the length gives. All decisions are functions of the runs so far.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float64
from torch import Tensor

from genprobe.annealing.jackknife import jackknife, log_mean_weight

FIRST = 64
"""Temperatures of the first run."""
CHAINS = 16
"""Chains of each example in the first run."""
MOST_CHAINS = 512
MOST_STEPS = 4096
"""Temperatures beyond which nobody waits, unless told to."""
FALLS = 1.5
"""By how much the variance of the weights must fall when chains get twice as long; else there will
be more of them instead."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A run of all examples.

    Attributes:
        temperatures: T.
        chains: C, of each example.
        bound: mean over the examples of the log of the mean weight, nats.
        error: standard error of ``bound`` over chains.
        variance: V = C times the variance of the log of an example's mean weight, in the mean.
    """

    temperatures: int
    chains: int
    bound: float
    error: float
    variance: float

    @property
    def bias(self) -> float:
        """By about how much ``bound`` is below log p(x), V/2C."""
        return self.variance / (2 * self.chains)


def rung_of(log_weight: Float64[Tensor, "chain M"], temperatures: int) -> Rung:
    """What a run says.

    Args:
        log_weight: (chain, M) nats, of at least two chains.
        temperatures: T.

    >>> import torch
    >>> rung_of(torch.zeros(4, 2).double(), 64)
    Rung(temperatures=64, chains=4, bound=0.0, error=0.0, variance=0.0)
    """
    bounds, variances = jackknife(log_mean_weight, log_weight)
    return Rung(
        temperatures=temperatures,
        chains=len(log_weight),
        bound=float(bounds.mean()),
        error=math.sqrt(float(variances.mean()) / len(bounds)),
        variance=float(variances.mean()) * len(log_weight),
    )


def next_rung(
    history: Sequence[Rung], *, tolerance: float, max_steps: int = MOST_STEPS
) -> tuple[int, int] | None:
    """Temperatures and chains of the next run; None once the bound has settled.

    It has when two runs agree within the tolerance or twice their errors, and both the bias and the
    error of the last are within the tolerance.

    Args:
        history: the runs so far.
        tolerance: nats.
        max_steps: the most temperatures of a chain.

    Example:
        >>> next_rung([], tolerance=0.01)
        (64, 16)
        >>> first = Rung(temperatures=64, chains=16, bound=-82.4, error=0.01, variance=0.2)
        >>> next_rung([first], tolerance=0.01)
        (128, 16)
        >>> last = Rung(temperatures=128, chains=16, bound=-82.39, error=0.01, variance=0.1)
        >>> next_rung([first, last], tolerance=0.01) is None
        True
    """
    if not history:
        return max(1, min(FIRST, max_steps // 2)), CHAINS
    last = history[-1]
    longer = min(2 * last.temperatures, max_steps)
    if len(history) == 1:
        return (longer, last.chains) if longer > last.temperatures else None
    before = history[-2]
    noise = 2 * math.hypot(last.error, before.error)
    steady = abs(last.bound - before.bound) <= max(tolerance, noise)
    if steady and max(last.bias, last.error) <= tolerance:
        return None
    fell = last.variance * FALLS <= before.variance
    if steady and not fell and last.chains == before.chains and last.chains < MOST_CHAINS:
        return last.temperatures, 2 * last.chains
    return (longer, last.chains) if longer > last.temperatures else None
