"""A network of a user's own: ``make.py`` copies this beside the bundle that names it as factory."""

import torch
from torch import nn

import genprobe


class Network(nn.Module):
    """Linear encoder and decoder; the posterior's covariance is full and the same for all."""

    def __init__(self, size, latent):
        super().__init__()
        self.loc = nn.Linear(size, latent)
        self.spread = nn.Parameter(torch.randn(latent, latent))
        self.decoder = nn.Linear(latent, size)

    def encode(self, x):
        scale_tril = self.spread.tril(-1) + self.spread.diagonal().sigmoid().diag_embed()
        return {"loc": self.loc(x), "scale_tril": scale_tril.expand(len(x), -1, -1)}

    def decode(self, z):
        return {"logits": self.decoder(z)}


def build(size, latent):
    network = Network(size, latent)
    return genprobe.Model(
        name="full-normal",
        encode=network.encode,
        decode=network.decode,
        posterior="full-normal",
        prior="standard-normal",
        likelihood="bernoulli",
        module=network,
    )
