"""Independent values in [0, 1]: p(x|z) = Π_i exp(λ_i x_i) λ_i / (exp(λ_i) − 1), with logits λ.

The density that a Bernoulli loss on grey values leaves without its normaliser (Loaiza-Ganem &
Cunningham 2019, "The continuous Bernoulli"). It is written here by its logits. That of
torch.distributions goes through clamped probabilities: in float32 it is 0.2 nats a value off at
|λ| = 20 and 1.1 at 50, in float64 0.3 at 50.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import ONE, logits_of_probs, one_example, parameter, precise
from genprobe.likelihoods.support import require_unit_interval
from genprobe.types import Likelihood, Params

NAME = "continuous-bernoulli"
SMALL = 0.05
"""Below it four terms of the series of log(sinh u / u) are exact in float64."""
HALVINGS = 200


class ContinuousBernoulli(Distribution):
    """A density on [0, 1], uniform at logits 0.

    Args:
        logits: λ (batch, *event); ``probs`` is σ(λ) and not the mean.
    """

    arg_constraints = {"logits": constraints.real}  # noqa: RUF012 - as torch declares it
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits.shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density; λ x − log((e^λ − 1)/λ), symmetrised about x = 1/2."""
        return self.logits * (precise(value) - 0.5) - log_sinhc(self.logits.abs() / 2)

    def rsample(self, sample_shape: _size = ONE) -> Tensor:
        """The inverse of the distribution function at uniform values."""
        shape = self._extended_shape(sample_shape)
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        fall = -self.logits.abs()
        flat = fall > -1e-6
        slope = torch.where(flat, -1.0, fall)
        x = torch.where(flat, u, torch.log1p(u * slope.expm1()) / slope)
        return torch.where(self.logits < 0, x, 1 - x)

    @property
    def mean(self) -> Tensor:
        """1/(1 − e^−λ) − 1/λ."""
        return mean_of(self.logits)


def log_sinhc(u: Tensor) -> Tensor:
    """Values of log(sinh u / u) for u ≥ 0, to float64 accuracy with its derivative."""
    small = u < SMALL
    near, far = torch.where(small, u, 0.0).square(), torch.where(small, 1.0, u)
    series = near * (1 / 6 - near * (1 / 180 - near * (1 / 2835 - near / 37800)))
    return torch.where(small, series, far + (-torch.expm1(-2 * far)).log() - (2 * far).log())


def mean_of(logits: Tensor) -> Tensor:
    """Mean of a continuous Bernoulli value, the derivative of its log-normaliser."""
    small = logits.abs() < SMALL
    near, far = torch.where(small, logits, 0.0), torch.where(small, 1.0, logits)
    series = 0.5 + near * (1 / 12 - near.square() * (1 / 720 - near.square() / 30240))
    return torch.where(small, series, -1 / torch.expm1(-far) - 1 / far)


def distribution(params: Params) -> Distribution:
    """``logits`` or ``probs``, (batch, *event), to p(x|z) of batch shape (batch,).

    Probs of exactly 0 or 1 are spikes, which have no density: its log is then not finite.
    """
    if "logits" in params:
        return one_example(ContinuousBernoulli(parameter(NAME, params, "logits")))
    probs = parameter(NAME, params, "probs", constraints.unit_interval)
    return one_example(ContinuousBernoulli(probs.log() - torch.log1p(-probs)))


def support(x: Tensor) -> Notice | None:
    """None for data (batch, *event) in [0, 1].

    Raises:
        SupportError: naming the first example with a value outside.
    """
    require_unit_interval(NAME, x, "Rescale the data, or use the likelihood normal.")
    return None


def blind(mean: Tensor, square: Tensor) -> float:
    """D of the best constant logits: those whose means are the data's (*event), by bisection.

    Infinite below where a value is always 0 or always 1: the best density there is a spike.
    """
    mean = mean.double()
    if ((mean <= 0) | (mean >= 1)).any():
        return -math.inf
    reach = 1 / torch.minimum(mean, 1 - mean)
    low, high = -reach, reach
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = mean_of(middle) > mean
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return -float(ContinuousBernoulli((low + high) / 2).log_prob(mean).sum())


continuous_bernoulli = Likelihood(
    name=NAME,
    distribution=distribution,
    discrete=False,
    support=support,
    blind=blind,
    logits_of_probs=logits_of_probs,
)
