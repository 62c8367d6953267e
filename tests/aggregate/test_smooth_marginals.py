import math

import pytest
import torch
from torch.distributions import Beta, Normal

from genprobe.aggregate import smooth_marginals
from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.marginals import FEW
from genprobe.aggregate.smooth_marginals import (
    LEAST_QUERIES,
    marginals_at_queries,
    smooth_log_marginals,
)
from genprobe.errors import UnavailableError
from genprobe.families.beta import beta
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.laplace import laplace

N, M = 500, 2100


def truth_of(z, loc, scale):
    pairs = Normal(loc.double(), scale.double()).log_prob(z.double()[:, None])
    return pairs.logsumexp(1).flatten(1) - math.log(len(loc))


def codes(width, spread, event=(3,)):
    """Components of scales around a width, of which some dimensions are collapsed, and draws."""
    scale = width * torch.exp(spread * torch.randn(N, *event))
    scale[:, 0] = 1.0
    loc = torch.randn(N, *event)
    loc[:, 0] *= 0.01
    own = torch.randint(N, (M,))
    return {"loc": loc, "scale": scale}, loc[own] + scale[own] * torch.randn(M, *event), own


@pytest.mark.parametrize("event", [(3,), (2, 2)])
@pytest.mark.parametrize(("width", "spread"), [(0.1, 0.0), (0.1, 0.4), (0.5, 0.3)])
@pytest.mark.parametrize("few", [0, 1 << 18], ids=["engine", "float64"])
def test_they_are_the_mixtures_of_each_dimension(monkeypatch, few, event, width, spread):
    monkeypatch.setattr(smooth_marginals, "FEW_PAIRS", few)
    params, z, _ = codes(width, spread, event)
    found = smooth_log_marginals(z, diagonal_normal, in_memory(params), N)
    error = found - truth_of(z, **params)
    assert float(error.abs().mean()) < 1e-4
    assert abs(float(error.mean())) < 1e-5


def test_a_family_on_an_interval_is_asked_inside_it():
    concentration = {
        "concentration1": 2 + 8 * torch.rand(N, 2),
        "concentration0": 2 + 8 * torch.rand(N, 2),
    }
    z = Beta(*concentration.values()).sample((5,)).flatten(0, 1)
    found = smooth_log_marginals(z, beta, in_memory(concentration), N)
    each = Beta(*(v.double() for v in concentration.values())).log_prob(z.double()[:, None])
    truth = each.logsumexp(1) - math.log(N)
    assert float((found - truth).abs().mean()) < 1e-4


def test_a_density_that_is_too_rough_is_left_to_the_queries():
    params, z, _ = codes(0.1, 0.0)
    params["loc"] = params["loc"].round()  # far apart beside the scales: the log has kinks
    params["scale"][: N // 5, 1] = 0.5  # by which the points are chosen
    z = params["loc"].repeat(5, 1)[:M] + 0.1 * torch.randn(M, 3)
    params["scale"][N // 5 :, 1] = 1e-3
    assert smooth_log_marginals(z, diagonal_normal, in_memory(params), N) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_without_a_range_there_is_no_spline(value):
    params, z, _ = codes(0.1, 0.0)
    z[:, 1] = z[0, 1]
    if value is not None:
        z[3, 1] = value
    assert smooth_log_marginals(z, diagonal_normal, in_memory(params), N) is None


def test_a_family_of_kinks_or_few_queries_are_asked_as_they_are():
    params, z, _ = codes(0.5, 0.0)
    assert smooth_log_marginals(z, laplace, in_memory(params), N) is None
    assert smooth_log_marginals(z[: FEW - 1], diagonal_normal, in_memory(params), N) is None


@pytest.mark.parametrize("pairs", [0, 10**8])
def test_where_points_cost_too_much_the_first_queries_are_asked(monkeypatch, pairs):
    monkeypatch.setattr(smooth_marginals, "PAIRS", pairs)
    params, z, own = codes(0.3, 0.1)
    found = marginals_at_queries(torch.stack([z, z]), own, diagonal_normal, in_memory(params), N)
    some = M if pairs else LEAST_QUERIES
    assert found.shape == (2, some, 3)
    truth = truth_of(z[:some], **params)
    assert float((found - truth).abs().mean()) < 1e-4


def test_of_very_many_dimensions_there_are_none(monkeypatch):
    params, z, own = codes(0.1, 0.0)
    monkeypatch.setattr(smooth_marginals, "WIDEST", 2)
    with pytest.raises(UnavailableError, match="more than 2 latent dimensions"):
        marginals_at_queries(z[None], own, diagonal_normal, in_memory(params), N)


def test_dimensions_at_once_do_not_put_back_each_others_precision(monkeypatch, set_threads):
    set_threads(2)
    monkeypatch.setattr(smooth_marginals, "FEW_PAIRS", 0)
    seen, engine = [], smooth_marginals.log_aggregate_blocks

    def watched(*args):
        seen.append(torch.get_float32_matmul_precision())
        return engine(*args)

    monkeypatch.setattr(smooth_marginals, "log_aggregate_blocks", watched)
    params, z, _ = codes(0.5, 0.3, (6,))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        smooth_log_marginals(z, diagonal_normal, in_memory(params), N)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    # The first dimension is tried alone; of the others none finds what another would put back.
    assert seen == ["medium"] + ["highest"] * 5


def test_after_a_first_dimension_that_is_too_rough_none_is_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(smooth_marginals, "smooth_log_marginal", lambda *args: asked.append(args))
    params, z, _ = codes(0.5, 0.3, (6,))
    assert smooth_log_marginals(z, diagonal_normal, in_memory(params), N) is None
    assert len(asked) == 1
