"""Independent counts with mean μ and inverse dispersion θ; their variance is μ + μ²/θ.

p(x|z) = Π_i Γ(x+θ) / (Γ(θ) x!) · (θ/(θ+μ))^θ (μ/(θ+μ))^x: the form of single-cell models (Lopez et
al. 2018, scVI). ``total_count`` θ with ``logits`` log(μ/θ), or ``probs`` their sigmoid, as
torch.distributions has them, are taken too. It has no blind distortion: the best constant θ is not
a function of moments.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import ONE, one_example, parameter, precise, times_log
from genprobe.likelihoods.support import require_counts
from genprobe.types import Likelihood, Params

NAME = "negative-binomial"
LARGE = 1e3
"""From here on two terms of Stirling's series are exact in float64."""


class NegativeBinomial(Distribution):
    """Counts with mean ``mu`` ≥ 0 and inverse dispersion ``theta`` > 0, each (batch, *event)."""

    arg_constraints = {"mu": constraints.nonnegative, "theta": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative_integer

    def __init__(self, mu: Tensor, theta: Tensor) -> None:
        self.mu, self.theta = mu, theta
        super().__init__(mu.shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability; as θ grows it goes to the Poisson's without loss of digits."""
        x = precise(value)
        shape = log_rising(x, self.theta) - torch.lgamma(x + 1)
        return shape + times_log(x, self.mu) - (x + self.theta) * torch.log1p(self.mu / self.theta)

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """Poisson counts whose rate is a gamma variable of mean μ."""
        with torch.no_grad():
            theta = self.theta.expand(self._extended_shape(sample_shape))
            return torch.poisson(torch._standard_gamma(theta) * (self.mu / self.theta))

    @property
    def mean(self) -> Tensor:
        """The mean μ."""
        return self.mu

    @property
    def variance(self) -> Tensor:
        """μ + μ²/θ."""
        return self.mu + self.mu.square() / self.theta


def log_rising(x: Tensor, theta: Tensor) -> Tensor:
    """Values of log Γ(x+θ) − log Γ(θ) − x log θ, which goes to 0 as θ grows.

    For large θ by Stirling's series, in which the large parts cancel on paper.
    """
    large = theta > LARGE
    near, far = torch.where(large, LARGE, theta), torch.where(large, theta, LARGE)
    direct = torch.lgamma(x + near) - torch.lgamma(near) - x * near.log()
    total = x + far
    tail = (1 / total - 1 / far) / 12 - (total**-3 - far**-3) / 360
    return torch.where(large, (total - 0.5) * torch.log1p(x / far) - x + tail, direct)


def negative_binomial_of(likelihood: str, params: Params) -> NegativeBinomial:
    """The distribution of single values, from whichever parameters the decoder gives.

    Args:
        likelihood: registered name, for errors.
        params: ``mu`` and ``theta``, or ``total_count`` and ``logits`` or ``probs``; the first of
            each pair (or the second) may be broadcast to the other.

    Raises:
        ModelError: if they are missing or not allowed.
    """
    if "total_count" not in params:
        mu = parameter(likelihood, params, "mu", constraints.nonnegative)
        theta = parameter(likelihood, params, "theta", constraints.positive)
        return NegativeBinomial(mu, theta.expand_as(mu))
    theta = parameter(likelihood, params, "total_count", constraints.positive)
    if "logits" in params:
        odds = parameter(likelihood, params, "logits").exp()
    else:
        probs = parameter(likelihood, params, "probs", constraints.unit_interval)
        odds = probs / (1 - probs)
    return NegativeBinomial(theta * odds, theta.expand_as(odds))


def distribution(params: Params) -> Distribution:
    """``mu`` (batch, *event) and ``theta``, broadcastable to it, to p(x|z)."""
    return one_example(negative_binomial_of(NAME, params))


def support(x: Tensor) -> Notice | None:
    """None for counts (batch, *event).

    Raises:
        SupportError: naming the first example with a value that is not one.
    """
    require_counts(NAME, x, "Give the counts themselves, not normalised or logged.")
    return None


negative_binomial = Likelihood(name=NAME, distribution=distribution, discrete=True, support=support)
