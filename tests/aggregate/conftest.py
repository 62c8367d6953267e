import math

import pytest
import torch
from torch.distributions import Categorical, Independent, Laplace, MixtureSameFamily, Normal
from torch.distributions import constraints as C

from genprobe.types import Family


def laplace_distribution(params):
    loc = params["loc"]
    return Independent(Laplace(loc, params["scale"]), loc.dim() - 1)


@pytest.fixture
def laplace():
    """A family outside the exponential ones: it has only cross_log_prob."""
    return Family(
        name="laplace",
        distribution=laplace_distribution,
        constraints={"loc": C.real, "scale": C.positive},
        cross_log_prob=lambda z, params: laplace_distribution(params).log_prob(z[:, None]),
    )


@pytest.fixture
def mixture_log_prob():
    """log q(z) of a diagonal-normal mixture by torch.distributions, in float64."""

    def log_prob(z, params):
        loc, scale = params["loc"].double(), params["scale"].double()
        weights = Categorical(torch.ones(len(loc), dtype=torch.float64))
        components = Independent(Normal(loc, scale), loc.dim() - 1)
        mixture = MixtureSameFamily(weights, components)
        return torch.cat([mixture.log_prob(part) for part in z.double().split(100)])

    return log_prob


@pytest.fixture
def pairwise():
    """(m, n) log q(z_m|x_n) of diagonal normals, each term written out in float64."""

    def log_prob(z, params):
        loc, scale = params["loc"].double().flatten(1), params["scale"].double().flatten(1)
        normalisation = (scale.log() + math.log(2 * math.pi) / 2).sum(1)
        rows = [((query - loc) / scale).square().sum(1) / 2 for query in z.double().flatten(1)]
        return -torch.stack(rows) - normalisation

    return log_prob


@pytest.fixture
def posteriors():
    """(loc, scale) of n diagonal normals and one draw from each, float32."""

    def make(n, event, scale=1.0, offset=0.0, spread=1.0):
        params = {
            "loc": offset + spread * torch.randn(n, *event),
            "scale": scale * (0.5 + torch.rand(n, *event)),
        }
        return params, params["loc"] + params["scale"] * torch.randn(n, *event)

    return make


ORDERS = {
    "as they come": None,
    "positive first": torch.neg,
    "smallest first": torch.abs,
}


@pytest.fixture
def one_after_another(monkeypatch):
    """Have the engine's matmuls add term after term, never fused: no BLAS rounds more.

    The order is that of the terms, or the worst of each sum: all that is positive before all that
    is negative.
    """

    def use(order):
        key = ORDERS[order]

        def mm(left, right, *, out):
            terms = (row[:, None] * column for row, column in zip(left.T, right, strict=True))
            if key:
                terms = torch.stack(list(terms))
                terms = terms.gather(0, key(terms).argsort(dim=0))
            out.zero_()
            for term in terms:
                out += term
            return out

        monkeypatch.setattr(torch, "mm", mm)

    return use
