"""Independent counts: p(x|z) = Π_i rate_i^x_i exp(−rate_i) / x_i!.

Losses often drop log x!: it does not depend on the decoder, but D without it is no log-probability
(``torch.nn.PoissonNLLLoss`` drops it unless ``full``, and then takes Stirling's approximation).
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions import Poisson as TorchPoisson

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import one_example, parameter, precise, times_log
from genprobe.likelihoods.support import require_counts
from genprobe.types import Likelihood, Params

NAME = "poisson"


class Poisson(TorchPoisson):
    """Counts, with a gradient at rate 0 where the count is 0."""

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability x log rate − rate − log x!."""
        return times_log(value, self.rate) - self.rate - torch.lgamma(precise(value) + 1)


def distribution(params: Params) -> Distribution:
    """``rate`` (batch, *event) to p(x|z) of batch shape (batch,)."""
    rate = parameter(NAME, params, "rate", constraints.nonnegative)
    return one_example(Poisson(rate, validate_args=False))


def support(x: Tensor) -> Notice | None:
    """None for counts (batch, *event).

    Raises:
        SupportError: naming the first example with a value that is not one.
    """
    require_counts(NAME, x, "Give the counts themselves, not normalised or logged.")
    return None


def statistics(x: Tensor) -> Mapping[str, Tensor]:
    """Σ_i log x_i! of each example (batch,): what no rate can change."""
    return {"log_factorial": torch.lgamma(precise(x) + 1).flatten(1).sum(1)}


def blind(mean: Tensor, square: Tensor, log_factorial: Tensor) -> float:
    """D of the best constant rates, which are the data's means (*event)."""
    return float((mean - torch.xlogy(mean, mean)).sum() + log_factorial)


poisson = Likelihood(
    name=NAME,
    distribution=distribution,
    discrete=True,
    support=support,
    blind=blind,
    statistics=statistics,
)
