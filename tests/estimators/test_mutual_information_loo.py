import math
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch.distributions import Normal

from genprobe.aggregate.queries import Queries
from genprobe.errors import UnavailableError
from genprobe.estimators.control_variates import prepared
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.mutual_information_loo import mutual_information_loo
from genprobe.estimators.standard_error import data_error, interval_factor, within_error
from genprobe.estimators.tail import WIDER

LOC = torch.linspace(-1, 1, 12, dtype=torch.float64) ** 3
"""Of twelve posteriors in one dimension, close to each other in the middle."""
DRAWS = 400


def densities(z, scale, loc=LOC):
    """Values log q(z|x_n) of every posterior, log q(z), and log q(z) without each (..., n)."""
    log_qz_n = Normal(loc, scale).log_prob(z[..., None])
    others = log_qz_n[..., None, :].masked_fill(torch.eye(len(loc), dtype=torch.bool), -math.inf)
    left_out = others.logsumexp(-1) - math.log(len(loc) - 1)
    return log_qz_n, log_qz_n.logsumexp(-1) - math.log(len(loc)), left_out


@cache
def by_quadrature(scale):
    """I(n;z) and the leave-one-out bound of those very posteriors."""
    z = torch.linspace(-1 - 12 * scale, 1 + 12 * scale, 200_001, dtype=torch.float64)
    log_qz_n, log_qz, left_out = densities(z, scale)
    weights = log_qz_n.exp() / len(LOC)
    return [
        torch.trapezoid((weights * (log_qz_n - other)).sum(-1), z).item()
        for other in (log_qz[:, None], left_out)
    ]


def arguments(scale, seed=0, loc=LOC, draws=DRAWS):
    """What the estimator asks for: so many draws from every posterior, and one control."""
    noise = torch.randn(
        draws, len(loc), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    log_qz_n, log_qz, left_out = densities(loc + scale * noise, scale, loc)
    shares = (log_qz_n - log_qz[..., None]).exp() / len(loc)
    own = log_qz_n.diagonal(dim1=1, dim2=2)
    queries = Queries(
        n=len(loc),
        index=torch.arange(len(loc)),
        z=noise[..., None],
        log_qz_x=own,
        log_qz=log_qz,
        log_qz_loo=left_out.diagonal(dim1=1, dim2=2),
        largest_share=shares.amax(-1),
        index_entropy=-shares.xlogy(shares).sum(-1),
        max_error=0.0,
        skipped=0.0,
    )
    return queries, prepared((own + Normal(loc, scale).entropy())[..., None])


@pytest.mark.parametrize("scale", [5.0, 0.8, 0.2, 0.02])
def test_it_is_within_its_error_of_the_integral(scale):
    found = mutual_information_loo(*arguments(scale))
    _, truth = by_quadrature(scale)
    assert found.kind == "upper"
    assert abs(found.value - truth) < 4 * found.se


@pytest.mark.seeds
def test_its_error_holds_over_many_seeds():
    truth = by_quadrature(0.2)[1]
    found = [mutual_information_loo(*arguments(0.2, seed)) for seed in range(200)]
    held = sum(abs(f.value - truth) < 1.96 * f.se for f in found)
    assert held >= 184  # of 190 expected, less three standard deviations


def test_where_posteriors_overlap_its_error_is_several_times_below_the_plain_mean():
    queries, controls = arguments(5.0)
    found = mutual_information_loo(queries, controls)
    plain = within_error(queries.log_qz_x - queries.log_qz_loo)
    assert found.se < plain / 5


@pytest.mark.parametrize("scale", [5.0, 0.8, 0.2, 0.02])
@pytest.mark.parametrize("seed", range(5))
def test_the_ends_of_the_bracket_do_not_cross(scale, seed):
    given = arguments(scale, seed)
    assert mutual_information_loo(*given).value >= mutual_information(*given).value
    exact = by_quadrature(scale)
    assert exact[1] >= exact[0]


def test_a_bound_that_errs_below_the_information_is_put_there():
    queries, controls = arguments(0.8)
    low = mutual_information(queries, controls)
    queries = replace(queries, log_qz_loo=queries.log_qz + 0.01)
    assert mutual_information_loo(queries, controls).value == low.value


@pytest.mark.seeds
def test_controls_take_off_what_is_known_of_the_gap():
    given = arguments(0.004, loc=torch.linspace(-1, 1, 200, dtype=torch.float64), draws=8)
    gap = given[0].log_qz - given[0].log_qz_loo
    plain = mutual_information(*given).se + within_error(gap) * interval_factor(gap.flatten())
    assert mutual_information_loo(*given).se < 0.8 * plain


def test_the_data_error_contains_the_spread_over_examples():
    loc = torch.linspace(-1, 1, 60, dtype=torch.float64)
    queries, controls = arguments(0.2, loc=loc, draws=40)
    found = mutual_information_loo(queries, controls)
    assert found.se_data == pytest.approx(
        data_error(queries.log_qz_x - queries.log_qz_loo), rel=0.1
    )


def test_where_posteriors_have_few_neighbours_no_data_error_is_stated():
    found = mutual_information_loo(*arguments(0.2))
    assert found.se > 0
    assert found.se_data is None


@pytest.mark.parametrize(("n", "value"), [(1, 0.0), (100, -math.inf), (100, math.nan)])
def test_without_others_it_is_unavailable(numbers, make_queries, n, value):
    log_qz_loo = torch.full((2, n), value, dtype=torch.float64)
    entropy, log_qz_x, log_qz = numbers(3, 2, n)
    queries = make_queries(n, log_qz_x, log_qz, log_qz_loo=log_qz_loo, index_entropy=entropy)
    with pytest.raises(UnavailableError, match="Leave-one-out"):
        mutual_information_loo(queries)


def test_the_data_error_of_heavy_tailed_codes_is_wide_and_says_so():
    # Student's t of three degrees of freedom, so wide that each code has many neighbours.
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(400, dtype=torch.float64, generator=random)
    chi = torch.randn(400, 3, dtype=torch.float64, generator=random).square().mean(1)
    found = mutual_information_loo(*arguments(3.0, loc=noise / chi.sqrt(), draws=4))
    assert found.remark == WIDER
    plain = mutual_information_loo(*arguments(3.0, loc=noise, draws=4))
    assert plain.remark == ""
    assert found.se_data > 2 * plain.se_data
