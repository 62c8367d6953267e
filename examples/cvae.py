r"""A conditional VAE: q(z|x, y) and p(x|z, y), where the class y of each example is given.

    python -m examples.cvae cvae.pt test.npz
    genprobe evaluate cvae.pt --factory examples.cvae:build --data test.npz

The first line trains it for a few seconds, on patterns of bits that depend on their class, and
writes its weights and the test data: ``x`` and ``y`` in one file. The second evaluates it. The rate
is that of z given y: what the code says of x beyond its class.
"""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot
from torch.utils.data import DataLoader, TensorDataset

from genprobe import Model
from genprobe.types import Params

CLASSES, VALUES, LATENT = 4, 16, 2


class Cvae(nn.Module):
    """Two small networks, each of which sees the class besides its input."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(VALUES + CLASSES, 32), nn.ReLU(), nn.Linear(32, 2 * LATENT)
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT + CLASSES, 32), nn.ReLU(), nn.Linear(32, VALUES)
        )

    def encode(self, x: Tensor, label: Tensor) -> Params:
        """Bits x (batch, 16) and classes label (batch, 4), one-hot, to loc and scale (batch, 2)."""
        loc, log_variance = self.encoder(torch.cat([x, label], 1)).chunk(2, 1)
        return {"loc": loc, "scale": (log_variance / 2).exp()}

    def decode(self, z: Tensor, label: Tensor) -> Params:
        """Codes z (batch, 2) and classes label (batch, 4), one-hot, to logits (batch, 16)."""
        return {"logits": self.decoder(torch.cat([z, label], 1))}


def condition(x: Tensor, covariates: Mapping[str, Any]) -> Params:
    """What encoder and decoder are given by keyword, from what comes with the examples."""
    return {"label": one_hot(covariates["y"], CLASSES).to(x)}


def as_model(network: Cvae) -> Model:
    """The network as genprobe takes it."""
    return Model(
        name="cvae",
        encode=network.encode,
        decode=network.decode,
        condition=condition,
        module=network,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )


def build() -> Model:
    """The model with its weights untrained; genprobe loads them."""
    return as_model(Cvae())


def patterns(n: int, seed: int) -> TensorDataset:
    """Bits x (n, 16) around a pattern of their class y (n,), a few of them cut off at a side."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.rand(CLASSES, VALUES, generator=torch.Generator().manual_seed(0))
    y = torch.randint(CLASSES, (n,), generator=generator)
    cut = torch.randint(VALUES, (n, 1), generator=generator)
    probability = classes[y] * (torch.arange(VALUES) >= cut // 2)
    return TensorDataset(torch.bernoulli(probability, generator=generator), y)


def train(network: Cvae, data: TensorDataset, epochs: int) -> None:
    """Minimise D + R."""
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(epochs):
        for x, y in DataLoader(data, batch_size=100, shuffle=True):
            label = one_hot(y, CLASSES).float()
            q = network.encode(x, label)
            z = q["loc"] + q["scale"] * torch.randn_like(q["loc"])
            logits = network.decode(z, label)["logits"]
            distortion = binary_cross_entropy_with_logits(logits, x, reduction="sum")
            variance = q["scale"].square()
            rate = 0.5 * (variance + q["loc"].square() - 1 - variance.log()).sum()
            optimiser.zero_grad()
            ((distortion + rate) / len(x)).backward()
            optimiser.step()


if __name__ == "__main__":
    weights, data = sys.argv[1:]
    torch.manual_seed(0)
    trained = Cvae()
    train(trained, patterns(5000, seed=1), epochs=10)
    torch.save(trained.state_dict(), weights)
    x, y = patterns(2000, seed=2).tensors
    np.savez(data, x=x.numpy().astype(np.uint8), y=y.numpy())
