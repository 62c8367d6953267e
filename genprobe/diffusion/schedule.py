r"""A noise schedule: signal-to-noise ratios, and the variances of its steps.

With s the step before t (less noise), and SNR = α²/σ²,

.. math::

    \sigma_{t|s}^2 = \sigma_t^2 - (\alpha_t/\alpha_s)^2 \sigma_s^2, \qquad
    q(x_s|x_t,x_0) = \mathcal N(\ldots,\; \sigma_s^2 \sigma_{t|s}^2/\sigma_t^2)

Kingma et al. (2021), "Variational diffusion models", appendix A.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.types.diffusion import Diffusion

LEAST = -64.0
"""log2 of the smallest signal-to-noise ratio that is told from none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """The levels of a chain, the least noisy first.

    Attributes:
        alpha: (T,) of the signal.
        sigma: (T,) of the noise.
    """

    alpha: Float64[Tensor, " T"]
    sigma: Float64[Tensor, " T"]

    @property
    def steps(self) -> int:
        """The number of levels T; KL terms are of t = 1 … T − 1."""
        return len(self.alpha)

    @property
    def snr(self) -> Float64[Tensor, " T"]:
        """Signal-to-noise ratios α²/σ², falling."""
        return (self.alpha / self.sigma).square()

    @property
    def log2_snr(self) -> Float64[Tensor, " T"]:
        """Their logarithms to base 2; a level without signal has the least that is told."""
        return self.snr.log2().clamp(min=LEAST)

    @property
    def lost(self) -> Float64[Tensor, " T"]:
        """σ²_{t|s}/σ_t² = 1 − SNR(t)/SNR(s) of each step; 1 at t = 0, which comes from the data."""
        snr = self.snr
        # From logarithms: a fine step is a small difference of nearly equal ratios.
        log = snr.log()
        return torch.cat([torch.ones(1).double(), -torch.expm1(log.diff())])

    @property
    def upper(self) -> Float64[Tensor, " T"]:
        """σ²_{t|s} of each step; at t = 0 σ_0², as β_1 of Ho et al."""
        return self.lost * self.sigma.square()

    @property
    def posterior(self) -> Float64[Tensor, " T"]:
        """The variance of q(x_s|x_t,x_0) of each step; at t = 0, where it is 0, σ_0² instead."""
        before = torch.cat([self.sigma[:1], self.sigma[:-1]])
        return self.lost * before.square()

    @property
    def mean_factor(self) -> Float64[Tensor, " T"]:
        """What the mean of q(x_s|x_t,x_0) moves by with x_0: α_s σ²_{t|s}/σ_t²; 1 at t = 0."""
        return torch.cat([torch.ones(1).double(), self.alpha[:-1]]) * self.lost

    @property
    def kept(self) -> Float64[Tensor, " T"]:
        """What it moves by with x_t: (α_t/α_s) σ_s²/σ_t², nothing where x_t has no signal."""
        ratio = self.alpha[1:] / self.alpha[:-1] * (self.sigma[:-1] / self.sigma[1:]).square()
        return torch.cat([torch.zeros(1).double(), ratio])


def schedule_of(chain: Diffusion) -> Schedule:
    """The schedule of a diffusion model.

    Args:
        chain: of the user.

    Example:
        >>> chain = Diffusion(alpha=[0.8, 0.6], sigma=[0.6, 0.8], denoise=lambda x, t: x)
        >>> [round(each, 4) for each in schedule_of(chain).snr.tolist()]
        [1.7778, 0.5625]
    """
    return Schedule(alpha=torch.as_tensor(chain.alpha), sigma=torch.as_tensor(chain.sigma))
