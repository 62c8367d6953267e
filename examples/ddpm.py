r"""A diffusion model (DDPM) of the digits that ship with genprobe.

    python -m examples.ddpm ddpm.pt
    genprobe evaluate ddpm.pt --factory examples.ddpm:build --data digits --split test

The first line trains it in less than a minute on one thread and writes its weights, the second
says what its states cost and where along time the nats go. ``genprobe compare`` puts its
progressive curve on the plane beside other models of the same data and the same kind of likelihood.
"""

import math
import sys

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from genprobe import Diffusion, Model, discretised_normal_of, open_dataset

VALUES, STEPS, WIDTH = 64, 100, 256
LEVELS = 17
"""Of a pixel of the digits: 0/16 to 16/16."""


def cosine() -> tuple[Tensor, Tensor]:
    """The schedule of Nichol & Dhariwal: alpha and sigma (T,), the least noisy step first."""
    at = torch.linspace(0, 1, STEPS + 1, dtype=torch.float64)
    signal = ((at + 0.008) / 1.008 * math.pi / 2).cos().square()
    kept = (signal[1:] / signal[:-1]).clamp(min=1e-3).cumprod(0)
    return kept.sqrt(), (1 - kept).sqrt()


ALPHA, SIGMA = cosine()


class Network(nn.Module):
    """v = α ε − σ x_0 from x_t and t."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Embedding(STEPS, WIDTH)
        self.first, self.middle = nn.Linear(VALUES, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, VALUES)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """States x (batch, 64) and steps t (batch,) to v (batch, 64)."""
        h = silu(self.first(x) + self.time(t))
        v: Tensor = self.last(h + silu(self.middle(h)))
        return v


def as_model(network: Network) -> Model:
    """The network as genprobe takes it; pixels in [0, 1] are ½ + ½ x_0."""
    chain = Diffusion(
        alpha=ALPHA, sigma=SIGMA, denoise=network, predicts="v", clip=1.0, mean=0.5, std=0.5
    )
    likelihood = discretised_normal_of(LEVELS)
    return Model(name="ddpm", diffusion=chain, likelihood=likelihood, module=network)


def build() -> Model:
    """The model with its weights untrained; genprobe loads them."""
    return as_model(Network())


def train(network: Network, x: Tensor, steps: int) -> None:
    """Minimise E‖v − v̂‖² over steps and noise.

    Args:
        network: untrained.
        x: (n, 64) in [0, 1].
        steps: of the optimiser.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        x_0 = 2 * x[torch.randint(len(x), (128,))] - 1
        t, noise = torch.randint(STEPS, (128,)), torch.randn_like(x_0)
        alpha, sigma = ALPHA[t].to(x)[:, None], SIGMA[t].to(x)[:, None]
        found = network(alpha * x_0 + sigma * noise, t)
        optimiser.zero_grad()
        (found - (alpha * noise - sigma * x_0)).square().mean().backward()
        optimiser.step()
        schedule.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    trained = Network()
    digits = open_dataset("digits", split="train")
    train(trained, digits.read(0, digits.n).float(), int(sys.argv[2]) if sys.argv[2:] else 6000)
    torch.save(trained.state_dict(), sys.argv[1])
