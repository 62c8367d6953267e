import math
from dataclasses import replace

import pytest
import torch

from genprobe.aggregate.code_moments import aggregate_moments, expected_distance, posterior_entropy
from genprobe.estimators.control_variates import CodeMoments, controls
from genprobe.families.diagonal_normal import diagonal_normal as family
from genprobe.testing import queries_from


def densities(z, loc, scale):
    """log q(z|x_n) of every draw under every one of n diagonal normals, in one matmul a draw."""
    weight = scale**-2
    constant = scale.log().sum(1) + 0.5 * math.log(2 * math.pi) * loc.shape[1]
    square = z.square() @ weight.T - 2 * z @ (loc * weight).T + (loc.square() * weight).sum(1)
    return -square / 2 - constant


@pytest.fixture
def index_entropy():
    """What draws of all of some diagonal normals leave open of where each came from (draw, n)."""

    def make(loc, scale, draws):
        z = loc + scale * torch.randn(draws, *loc.shape, dtype=torch.float64)
        return queries_from(densities(z, loc, scale)).index_entropy

    return make


@pytest.fixture
def dense():
    """Queries of all of some diagonal normals and their controls, by brute force in float64."""

    def make(loc, scale, draws):
        z = loc + scale * torch.randn(draws, *loc.shape, dtype=torch.float64)
        queries = replace(queries_from(densities(z, loc, scale)), z=z)
        blocks = [(0, {"loc": loc, "scale": scale})]
        mean, second = aggregate_moments(blocks, family)
        moments = CodeMoments(
            entropy=posterior_entropy(blocks, family),
            rate=torch.zeros(len(loc)).double(),
            mean=mean,
            second=second,
            distance=expected_distance(blocks, family, mean, second),
        )
        return queries, controls(z, queries.log_qz_x, queries.index, moments)

    return make
