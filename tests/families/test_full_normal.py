import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, kl_divergence

from genprobe.families.full_normal import full_normal
from genprobe.priors.diagonal_normal import diagonal_normal as diagonal_prior
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.priors.standard_normal import standard_normal
from genprobe.testing import FamilyTests


def factors(n, k, low=0.2):
    """Random lower-triangular factors (n, k, k) of covariances."""
    lower = torch.randn(n, k, k).tril(-1) * 0.5
    return lower + torch.diag_embed(low + torch.rand(n, k))


def reference(params):
    return MultivariateNormal(params["loc"], scale_tril=params["scale_tril"])


DIAGONAL = {"loc": torch.tensor([0.5, -1.0]), "scale": torch.tensor([2.0, 0.7])}


class TestConformance(FamilyTests):
    part = full_normal
    params = {
        "loc": torch.tensor([[0.0, 1.0], [-3.0, 0.5]]),
        "scale_tril": torch.tensor([[[1.0, 0.0], [0.9, 0.1]], [[0.3, 0.0], [-2.0, 1.0]]]),
    }
    priors = (
        standard_normal.build(torch.Size([2]), {}),
        diagonal_prior.build(torch.Size([2]), DIAGONAL),
    )


@pytest.mark.parametrize("scale", [1e-5, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize("k", [1, 2, 9, 40])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, scale, k):
    params = {"loc": 5 + torch.randn(150, k), "scale_tril": scale * factors(150, k)}
    require_aggregate(full_normal, params, reference)


@pytest.mark.parametrize("narrow", [1e-1, 1e-2, 1e-3, 1e-4])
def test_nearly_singular_covariances_come_out_right(require_aggregate, narrow):
    loc = torch.randn(200, 3)
    scale_tril = torch.tensor([[1.0, 0, 0], [1, narrow, 0], [1, narrow, narrow]])
    scale_tril = scale_tril * (0.8 + 0.4 * torch.rand(200, 1, 1))
    require_aggregate(full_normal, {"loc": loc, "scale_tril": scale_tril}, reference)


@pytest.mark.parametrize("narrow", [1e-2, 1e-4])
def test_nearly_singular_covariances_about_one_mean_come_out_right(require_aggregate, narrow):
    # At the mean itself no part of the exponent is large; a deviation away they are, and cancel.
    scale_tril = torch.tensor([[1.0, 0], [1, narrow]]) * (0.5 + torch.rand(200, 1, 1))
    require_aggregate(
        full_normal, {"loc": torch.zeros(200, 2), "scale_tril": scale_tril}, reference
    )


@pytest.mark.parametrize("k", [1, 4])
def test_rate_is_torchs_divergence_of_full_normals(evaluated, require_rate, k):
    params = {"loc": torch.randn(100, k), "scale_tril": factors(100, k)}
    q = reference({name: v.double() for name, v in params.items()})
    p = MultivariateNormal(torch.zeros(k).double(), torch.eye(k).double())
    report = evaluated(full_normal, params, "standard-normal")
    require_rate(report, float(kl_divergence(q, p).mean()), analytic=True)
    assert {d.rate for d in report.dimensions} == {None}
    assert report["active_units"].value == k


def test_divergence_from_anything_but_normals_is_not_guessed():
    params = {"loc": torch.zeros(2, 3), "scale_tril": torch.eye(3).expand(2, 3, 3)}
    laplace = Independent(torch.distributions.Laplace(torch.zeros(3), torch.ones(3)), 1)
    assert prior_from_distribution("laplace", laplace).kl(full_normal, params) is None


def test_a_diagonal_factor_gives_the_diagonal_normals_rate(evaluated):
    loc, scale = torch.randn(80, 3), 0.1 + torch.rand(80, 3)
    full = evaluated(
        full_normal, {"loc": loc, "scale_tril": torch.diag_embed(scale)}, "standard-normal"
    )
    diagonal = evaluated("diagonal-normal", {"loc": loc, "scale": scale}, "standard-normal")
    assert full["rate"].value == pytest.approx(diagonal["rate"].value)
    assert full["mutual_information"].value == pytest.approx(
        diagonal["mutual_information"].value, abs=0.05
    )


def test_widening_multiplies_every_deviation():
    params = {"loc": torch.randn(3, 2), "scale_tril": factors(3, 2)}
    wide = full_normal.widen(params, torch.tensor([0.0, 0.5, -1.0]))
    ratio = reference(wide).stddev / reference(params).stddev
    truth = torch.tensor([0.0, 0.5, -1.0]).exp()[:, None].expand(3, 2)
    torch.testing.assert_close(ratio, truth)
