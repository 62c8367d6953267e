"""Poisson counts with more zeros: a gate of its own logits on ``poisson``. Lambert (1992)."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import one_example, parameter
from genprobe.likelihoods.poisson import Poisson
from genprobe.likelihoods.poisson import statistics as poisson_statistics
from genprobe.likelihoods.support import require_counts
from genprobe.likelihoods.zero_inflated import gated
from genprobe.types import Likelihood, Params

NAME = "zero-inflated-poisson"
HALVINGS = 100


def distribution(params: Params) -> Distribution:
    """``rate`` and ``gate_logits``, (batch, *event), to p(x|z) of batch shape (batch,)."""
    rate = parameter(NAME, params, "rate", constraints.nonnegative)
    return one_example(gated(NAME, Poisson(rate, validate_args=False), params))


def support(x: Tensor) -> Notice | None:
    """None for counts (batch, *event).

    Raises:
        SupportError: naming the first example with a value that is not one.
    """
    require_counts(NAME, x, "Give the counts themselves, not normalised or logged.")
    return None


def statistics(x: Tensor) -> Mapping[str, Tensor]:
    """Σ_i log x_i! of each example (batch,), and where it is zero (batch, *event)."""
    return {**poisson_statistics(x), "zero": (x == 0).double()}


def blind(mean: Tensor, square: Tensor, log_factorial: Tensor, zero: Tensor) -> float:
    """D of the best constant rate and gate of every value.

    Where zeros are more than a Poisson of that mean has, the best ones match the share of zeros and
    the mean m of the others, r/(1 − e^−r) = m; elsewhere the gate stays open.
    """
    kept = 1 - zero
    above = mean / kept.clamp(min=torch.finfo(torch.float64).tiny)
    rate = truncated_rate(above)
    gated_cost = (
        -torch.xlogy(zero, zero)
        - torch.xlogy(kept, kept)
        + kept * (rate + torch.where(rate > 0, -torch.expm1(-rate), 1.0).log())
        - torch.xlogy(mean, rate)
    )
    open_cost = mean - torch.xlogy(mean, mean)
    return float(torch.where(zero > (-mean).exp(), gated_cost, open_cost).sum() + log_factorial)


def truncated_rate(mean: Tensor) -> Tensor:
    """The rate r of a Poisson without its zeros whose mean is r/(1 − e^−r), by bisection."""
    low, high = torch.zeros_like(mean), mean.clamp(min=1.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = middle > mean * -torch.expm1(-middle)
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return high


zero_inflated_poisson = Likelihood(
    name=NAME,
    distribution=distribution,
    discrete=True,
    support=support,
    blind=blind,
    statistics=statistics,
)
