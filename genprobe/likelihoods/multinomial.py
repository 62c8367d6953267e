"""Counts of V kinds in one bag: p(x|z, n) = n!/Π_v x_v! Π_v softmax(logits)[v]^x_v.

For bags of words and the like, given how many there are: n = Σ_v x_v is the example's own, so D
says nothing of it. Losses of text models usually drop the coefficient n!/Π x_v!, which is that of
the bag against one order of it. Axes before the last are bags of their own.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.types import _size

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import (
    ONE,
    class_logits,
    logits_of_classes,
    parameter,
    precise,
    sum_last,
    whole_example,
)
from genprobe.likelihoods.support import require_counts
from genprobe.types import Likelihood, Params

NAME = "multinomial"


class Multinomial(Distribution):
    """Bags of counts whose totals are the data's.

    Args:
        logits: (batch, *bags, V).
        total_count: (batch, *bags), needed only to sample.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, logits: Tensor, total_count: Tensor | None) -> None:
        self.logits, self.total_count = logits, total_count
        super().__init__(logits.shape[:1], logits.shape[1:], validate_args=False)

    @property
    def support(self) -> Constraint:
        """Counts."""
        return whole_example(constraints.nonnegative_integer, len(self.event_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability of the counts of whole examples given their totals."""
        x = precise(value)
        kinds = torch.where(x == 0, 0.0, x * self.logits.log_softmax(-1)).sum(-1)
        bags = log_coefficient(x) + kinds
        return sum_last(bags, len(self.event_shape) - 1)

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """Bags of ``total_count``.

        Raises:
            NotImplementedError: if the decoder does not say how many.
        """
        if self.total_count is None:
            raise NotImplementedError("the totals are the data's")
        with torch.no_grad():
            shape = self._extended_shape(sample_shape)
            total = self.total_count.expand(shape[:-1])
            most = int(total.max())
            rows = self.logits.softmax(-1).expand(shape).reshape(-1, shape[-1])
            kinds = torch.multinomial(rows, max(1, most), replacement=True)
            drawn = torch.arange(max(1, most), device=rows.device) < total.reshape(-1, 1)
            counts = torch.zeros_like(rows).scatter_add(1, kinds, drawn.to(rows.dtype))
            return counts.reshape(shape)


def log_coefficient(x: Tensor) -> Tensor:
    """Values of log n!/Π_v x_v! of bags x (..., V)."""
    return torch.lgamma(x.sum(-1) + 1) - torch.lgamma(x + 1).sum(-1)


def distribution(params: Params) -> Distribution:
    """``logits`` or ``probs`` (batch, *bags, V) to p(x|z, n).

    To be sampled it needs ``total_count`` (batch, *bags).
    """
    logits = precise(class_logits(NAME, params))
    total = None
    if "total_count" in params:
        total = parameter(NAME, params, "total_count", constraints.nonnegative_integer)
    return Multinomial(logits, total)


def support(x: Tensor) -> Notice | None:
    """None for counts (batch, *event).

    Raises:
        SupportError: naming the first example with a value that is not one.
    """
    require_counts(NAME, x, "Give the counts themselves, not frequencies.")
    return None


def statistics(x: Tensor) -> Mapping[str, Tensor]:
    """Log-coefficient of each example (batch,), over all its bags."""
    return {"log_coefficient": sum_last(log_coefficient(precise(x)), x.dim() - 2)}


def blind(mean: Tensor, square: Tensor, log_coefficient: Tensor) -> float:
    """D of the best constant probabilities of every bag: in proportion to the mean counts."""
    total = mean.sum(-1)
    return float(
        (torch.xlogy(total, total) - torch.xlogy(mean, mean).sum(-1)).sum() - log_coefficient
    )


multinomial = Likelihood(
    name=NAME,
    distribution=distribution,
    discrete=True,
    support=support,
    blind=blind,
    statistics=statistics,
    logits_of_probs=logits_of_classes,
)
