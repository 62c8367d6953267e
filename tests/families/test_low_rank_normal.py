import pytest
import torch
from torch.distributions import (
    Independent,
    Laplace,
    LowRankMultivariateNormal,
    MultivariateNormal,
    kl_divergence,
)

from genprobe.families.low_rank_normal import low_rank_normal
from genprobe.priors.diagonal_normal import diagonal_normal as diagonal_prior
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.priors.standard_normal import standard_normal
from genprobe.testing import FamilyTests

DIAGONAL = {"loc": torch.tensor([0.5, -1.0, 0.0]), "scale": torch.tensor([2.0, 0.7, 1.0])}


def example(n, k, rank, scale=1.0, factor=1.0):
    return {
        "loc": torch.randn(n, k),
        "cov_factor": scale * factor * torch.randn(n, k, rank),
        "cov_diag": scale**2 * (0.1 + torch.rand(n, k)),
    }


def reference(params):
    """The same normal by its whole covariance, rather than by Woodbury's identity."""
    factor, variance = params["cov_factor"], params["cov_diag"]
    return MultivariateNormal(params["loc"], factor @ factor.mT + torch.diag_embed(variance))


class TestConformance(FamilyTests):
    part = low_rank_normal
    params = {
        "loc": torch.tensor([[0.0, 1.0, 2.0], [-3.0, 0.5, 0.0]]),
        "cov_factor": torch.tensor([[[1.0], [2.0], [0.0]], [[0.3], [-0.1], [0.5]]]),
        "cov_diag": torch.tensor([[1.0, 0.2, 0.5], [0.1, 0.1, 2.0]]),
    }
    priors = (
        standard_normal.build(torch.Size([3]), {}),
        diagonal_prior.build(torch.Size([3]), DIAGONAL),
    )


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize(("k", "rank"), [(1, 1), (5, 2), (30, 3), (4, 4)])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, scale, k, rank):
    require_aggregate(low_rank_normal, example(150, k, rank, scale), reference)


@pytest.mark.parametrize("deviation", [1e-6, 1e-7])
def test_deviations_that_defeat_expanded_squares_come_out_right(require_aggregate, deviation):
    params = example(100, 5, 2, deviation, factor=0.0)
    require_aggregate(
        low_rank_normal,
        params,
        lambda p: LowRankMultivariateNormal(p["loc"], p["cov_factor"], p["cov_diag"]),
    )


def test_a_factor_that_outweighs_the_diagonal_comes_out_right(require_aggregate):
    require_aggregate(low_rank_normal, example(100, 6, 2, factor=100.0), reference)


def test_rate_is_torchs_divergence_of_full_normals(evaluated, require_rate):
    params = example(100, 5, 2)
    q = reference({name: v.double() for name, v in params.items()})
    p = MultivariateNormal(torch.zeros(5).double(), torch.eye(5).double())
    report = evaluated(low_rank_normal, params, "standard-normal")
    require_rate(report, float(kl_divergence(q, p).mean()), analytic=True)


def test_divergence_from_anything_but_normals_is_not_guessed():
    laplace = Independent(Laplace(torch.zeros(3), torch.ones(3)), 1)
    assert prior_from_distribution("laplace", laplace).kl(low_rank_normal, example(2, 3, 1)) is None


def test_widening_multiplies_every_deviation():
    params, epsilon = example(3, 4, 2), torch.tensor([0.0, 0.5, -1.0])
    wide = reference(low_rank_normal.widen(params, epsilon))
    ratio = wide.stddev / reference(params).stddev
    torch.testing.assert_close(ratio, epsilon.exp()[:, None].expand(3, 4))
