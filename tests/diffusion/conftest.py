"""Normal data and the best denoiser there is for them: every term has a closed form."""

import math
from dataclasses import dataclass

import pytest
import torch

from genprobe.diffusion.sampled import Chain
from genprobe.diffusion.schedule import schedule_of
from genprobe.types import Diffusion


def levels(kind, steps):
    """alpha and sigma of a linear schedule (Ho et al.), scaled to the steps, or of a cosine one."""
    if kind == "cosine":
        at = torch.linspace(0, 1, steps + 1).double()
        curve = torch.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2
        beta = (1 - curve[1:] / curve[:-1]).clamp(max=0.999)
    else:
        beta = torch.linspace(0.1 / steps, 20 / steps, steps).double()
    kept = (1 - beta).cumprod(0)
    return kept.sqrt(), (1 - kept).sqrt()


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """x_0 ~ N(0, diag λ), a chain, and a denoiser whose x̂_0 is the posterior mean."""

    variances: torch.Tensor
    diffusion: Diffusion

    @property
    def chain(self):
        return Chain(
            diffusion=self.diffusion, predict=lambda x, t: (self.diffusion.denoise(x, t), None)
        )

    @property
    def schedule(self):
        return schedule_of(self.diffusion)

    def data(self, n, seed=0):
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(n, len(self.variances), generator=generator)
        return noise.double() * self.variances.sqrt()

    def errors(self, x=None):
        """E‖x_0 − x̂_0‖² by step (T,), of the population, or of each example (T, n)."""
        snr = self.schedule.snr[:, None]
        if x is None:
            return (self.variances / (1 + self.variances * snr)).sum(1)
        alpha, sigma = self.schedule.alpha[:, None], self.schedule.sigma[:, None]
        total = alpha**2 * self.variances + sigma**2
        bias, noise = sigma**2 / total, alpha * self.variances * sigma / total
        return bias.square() @ x.square().T + noise.square().sum(1, keepdim=True)

    def rates(self, x=None):
        """R_t by step: ½ (SNR(s) − SNR(t)) of these; 0 at t = 0."""
        errors = self.errors(x)
        weight = torch.cat([torch.zeros(1).double(), -self.schedule.snr.diff() / 2])
        return weight.reshape(-1, *[1] * (errors.dim() - 1)) * errors


def gaussian(dimensions, steps=50, kind="linear", predicts="noise", variance="posterior", off=0.0):
    """Normal data of some dimensions; ``off`` is added to the denoiser's ε̂, x̂_0 or v̂."""
    alphas, sigmas = levels(kind, steps)
    variances = torch.logspace(0, -2, dimensions).double()

    def denoise(x, t):
        alpha, sigma = alphas[t].to(x)[:, None], sigmas[t].to(x)[:, None]
        spread = variances.to(x)
        expected = alpha * spread * x / (alpha**2 * spread + sigma**2)
        noise = sigma * x / (alpha**2 * spread + sigma**2)
        found = {"x": expected, "noise": noise, "v": alpha * noise - sigma * expected}[predicts]
        return found + off

    diffusion = Diffusion(
        alpha=alphas, sigma=sigmas, denoise=denoise, predicts=predicts, variance=variance
    )
    return Gaussian(variances=variances, diffusion=diffusion)


@pytest.fixture(scope="session")
def make_gaussian():
    return gaussian
