r"""Hierarchies of latents, of two levels and of four, of the digits that ship with genprobe.

    python -m examples.hierarchy two.pt four.pt
    genprobe evaluate two.pt --factory examples.hierarchy:two_levels --data digits --split test
    genprobe evaluate four.pt --factory examples.hierarchy:four_levels --data digits --split test

The first line trains both in a minute and writes their weights, the others say which levels the
digits are in. Their likelihood is that of examples/ddpm.py, so that ``genprobe compare`` puts all
of them on one plane.
"""

import sys
from collections.abc import Generator

import torch
from torch import Tensor, nn

from genprobe import Model, discretised_normal_of, open_dataset
from genprobe.types import Params

PIXELS, WIDTH = 64, 128
LEVELS = 17
"""Of a pixel of the digits: 0/16 to 16/16."""
TWO, FOUR = (4, 12), (2, 4, 8, 12)
"""Values of z at each level, the first at the top."""

PIXEL = discretised_normal_of(LEVELS)


def normal(parameters: Tensor) -> Params:
    """The mean and the log-variance that stand side by side, by name."""
    loc, logvar = parameters.chunk(2, 1)
    return {"loc": loc, "logvar": logvar}


def layer(inputs: int, outputs: int) -> nn.Module:
    """A linear map and its nonlinearity."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.SiLU())


class TopDown(nn.Module):
    """What the encoder sees of x meets, at each level, a state made of the draws so far.

    Args:
        sizes: values of z at each level.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(WIDTH))
        self.features = nn.Sequential(layer(PIXELS, WIDTH), layer(WIDTH, WIDTH))
        self.posterior = nn.ModuleList(nn.Linear(2 * WIDTH, 2 * k) for k in sizes)
        self.prior = nn.ModuleList(nn.Linear(WIDTH, 2 * k) for k in sizes)
        self.merge = nn.ModuleList(layer(WIDTH + k, WIDTH) for k in sizes)
        self.output = nn.Sequential(layer(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * PIXELS))

    def walk(self, x: Tensor) -> Generator[tuple[Params, Params], Tensor]:
        """Images x (batch, 64): q and p of each level, given the draws that are sent."""
        features = self.features(x)
        state = self.start.expand(len(x), -1)
        for posterior, prior, merge in zip(self.posterior, self.prior, self.merge, strict=True):
            q = normal(posterior(torch.cat([features, state], 1)))
            z = yield q, normal(prior(state))
            state = merge(torch.cat([state, z], 1))

    def decode(self, draws: list[Tensor]) -> Params:
        """Draws (batch, values) of all levels to loc and scale (batch, 64)."""
        state = self.start.expand(len(draws[0]), -1)
        for z, merge in zip(draws, self.merge, strict=True):
            state = merge(torch.cat([state, z], 1))
        loc, log_scale = self.output(state).chunk(2, 1)
        return {"loc": loc.sigmoid(), "scale": log_scale.clamp(-4, 2).exp()}


def as_model(network: TopDown, name: str) -> Model:
    """The network as genprobe takes it."""
    return Model(
        name=name,
        chain=network.walk,
        decode=network.decode,
        posterior="diagonal-normal",
        likelihood=PIXEL,
        module=network,
    )


def two_levels() -> Model:
    """The model of two levels with its weights untrained; genprobe loads them."""
    return as_model(TopDown(TWO), "two levels")


def four_levels() -> Model:
    """The model of four levels with its weights untrained; genprobe loads them."""
    return as_model(TopDown(FOUR), "four levels")


def negative_elbo(network: TopDown, x: Tensor, beta: float) -> Tensor:
    """D + beta R of a batch (batch, 64), in nats, averaged over it.

    Args:
        network: to be trained.
        x: images.
        beta: weight of the rate.
    """
    walk, draws = network.walk(x), []
    rate = x.new_zeros(())
    q, p = next(walk)
    while True:
        m, v, n, w = q["loc"], q["logvar"], p["loc"], p["logvar"]
        rate = rate + 0.5 * ((v - w).exp() + (m - n).square() / w.exp() - 1 + w - v).sum()
        draws.append(m + torch.randn_like(m) * (v / 2).exp())
        try:
            q, p = walk.send(draws[-1])
        except StopIteration:
            log_p = PIXEL.distribution(network.decode(draws)).log_prob(x)
            return (beta * rate - log_p.sum()) / len(x)


def train(network: TopDown, x: Tensor, steps: int) -> None:
    """Minimise D + R, the rate's weight rising from 0 so that lower levels do not die at once.

    Args:
        network: untrained.
        x: (n, 64) in [0, 1].
        steps: of the optimiser.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        batch = x[torch.randint(len(x), (128,))]
        optimiser.zero_grad()
        negative_elbo(network, batch, min(1.0, 2 * step / steps)).backward()
        optimiser.step()
        schedule.step()


if __name__ == "__main__":
    digits = open_dataset("digits", split="train")
    x = digits.read(0, digits.n).float()
    count = int(sys.argv[3]) if sys.argv[3:] else 3000
    for path, sizes in zip(sys.argv[1:3], (TWO, FOUR), strict=True):
        torch.manual_seed(0)
        trained = TopDown(sizes)
        train(trained, x, count)
        torch.save(trained.state_dict(), path)
