"""Counts that are 0 more often than their distribution says: a gate closes some of them.

p(0) = π + (1 − π) p₀(0) and p(x) = (1 − π) p₀(x) for x > 0, with π = σ(gate_logits). The names are
Pyro's; scVI calls the logits ``zi_logits``.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import logsigmoid
from torch.types import _size

from genprobe.likelihoods.parameters import ONE, parameter
from genprobe.types import Params


class ZeroInflated(Distribution):
    """Counts of a base distribution behind a gate.

    Args:
        base: of single counts, batch shape (batch, *event).
        gate_logits: log-odds that the gate is closed, (batch, *event).
    """

    arg_constraints = {"gate_logits": constraints.real}  # noqa: RUF012
    support = constraints.nonnegative_integer

    def __init__(self, base: Distribution, gate_logits: Tensor) -> None:
        self.base, self.gate_logits = base, gate_logits
        super().__init__(base.batch_shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability, from logits alone: no probability is formed that could round to 0."""
        through = logsigmoid(-self.gate_logits) + self.base.log_prob(value)
        return torch.where(
            value == 0, torch.logaddexp(logsigmoid(self.gate_logits), through), through
        )

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """Base samples, 0 where the gate is closed."""
        with torch.no_grad():
            x = self.base.sample(sample_shape)
            closed = torch.bernoulli(self.gate_logits.sigmoid().expand_as(x))
            return torch.where(closed == 1, 0.0, x)

    @property
    def mean(self) -> Tensor:
        """(1 − π) times the base's mean."""
        return torch.sigmoid(-self.gate_logits) * self.base.mean

    @property
    def variance(self) -> Tensor:
        """(1 − π) (base variance + π base mean²)."""
        closed, mean = self.gate_logits.sigmoid(), self.base.mean
        return torch.sigmoid(-self.gate_logits) * (self.base.variance + closed * mean.square())


def gated(likelihood: str, base: Distribution, params: Params) -> ZeroInflated:
    """A distribution of single counts behind the decoder's ``gate_logits``.

    Raises:
        ModelError: if the decoder gives none.
    """
    gate = parameter(likelihood, params, "gate_logits")
    return ZeroInflated(base, gate.expand(base.batch_shape))
