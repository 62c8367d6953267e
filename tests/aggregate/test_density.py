import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genprobe.aggregate import log_aggregate
from genprobe.errors import PluginError, UnavailableError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.types import Family

NATS = 1e-3


def left_out(pairs, own):
    """Log of the mean over all components but the own one, from (m, n) log densities."""
    pairs = pairs.clone()
    pairs[torch.arange(len(own)), own] = -math.inf
    return pairs.logsumexp(1) - math.log(pairs.shape[1] - 1)


def assert_close(found, truth, atol=NATS, rtol=0.0):
    torch.testing.assert_close(found, truth, atol=atol, rtol=rtol)


@pytest.mark.parametrize(
    ("n", "event", "scale", "offset"),
    [
        (1, (3,), 1.0, 0.0),
        (2, (3,), 1.0, 0.0),
        (300, (1,), 0.1, 0.0),
        (300, (10,), 1.0, 100.0),
        (300, (10,), 1e-2, -5.0),
        (300, (64,), 1.0, 0.0),
        (300, (2,), 1e-3, 0.0),
        (300, (2,), 1e-3, 1e3),
        (3000, (5,), 0.5, 0.0),
        (200, (2, 3, 3), 0.5, 1.0),
    ],
)
@pytest.mark.parametrize("with_own", [False, True])
def test_log_aggregate_is_the_mixture_in_float64(
    posteriors, mixture_log_prob, n, event, scale, offset, with_own
):
    params, z = posteriors(n, event, scale, offset)
    own = torch.arange(n) if with_own else None
    found = log_aggregate(z, diagonal_normal, params, own=own)
    assert found.log_qz.dtype == torch.float64
    assert found.max_error <= NATS
    assert_close(found.log_qz, mixture_log_prob(z, params))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    dimension=st.integers(1, 6),
    scale=st.floats(1e-3, 1e3),
    offset=st.floats(-1e3, 1e3),
    tile=st.none() | st.tuples(st.integers(1, 50), st.integers(1, 50)),
    seed=st.integers(0, 1000),
)
def test_any_sizes_scales_and_tiles_agree_with_the_mixture(
    mixture_log_prob, n, m, dimension, scale, offset, tile, seed
):
    generator = torch.Generator().manual_seed(seed)
    loc = offset + torch.randn(n, dimension, generator=generator)
    params = {"loc": loc, "scale": scale * (0.5 + torch.rand(n, dimension, generator=generator))}
    z = loc[torch.randint(n, (m,), generator=generator)] + scale * torch.randn(
        m, dimension, generator=generator
    )
    found = log_aggregate(z, diagonal_normal, params, tile=tile)
    assert_close(found.log_qz, mixture_log_prob(z, params))


@pytest.mark.parametrize("with_own", [False, True])
def test_mixed_scales_that_defeat_float32_come_out_right(posteriors, pairwise, with_own):
    params, _ = posteriors(200, (4,))
    params["scale"] = torch.where(torch.arange(200) % 2 == 0, 1e-6, 1e3)[:, None].expand(200, 4)
    z = params["loc"] + params["scale"] * torch.randn(200, 4)
    own = torch.arange(200) if with_own else None
    found = log_aggregate(z, diagonal_normal, params, own=own)
    pairs = pairwise(z, params)
    assert found.max_error <= NATS
    assert_close(found.log_qz, pairs.logsumexp(1) - math.log(200))
    if with_own:
        assert_close(found.log_qz_loo, left_out(pairs, own), rtol=1e-5)


def test_a_family_may_be_given_by_its_registered_name(posteriors):
    params, z = posteriors(20, (3,))
    named = log_aggregate(z, "diagonal-normal", params)
    assert torch.equal(named.log_qz, log_aggregate(z, diagonal_normal, params).log_qz)
    with pytest.raises(PluginError, match="no family 'diagonal-norm'"):
        log_aggregate(z, "diagonal-norm", params)


@pytest.mark.parametrize("scale", [1e-4, 1e-3, 1e-2, 0.1, 0.4, 1.0])
@pytest.mark.parametrize("offset", [0.0, 3.0, 30.0])
@pytest.mark.parametrize("dimensions", [2, 64, 1024])
@pytest.mark.parametrize("with_own", [False, True])
def test_the_error_stays_below_a_thousandth_of_a_nat(
    posteriors, pairwise, scale, offset, dimensions, with_own
):
    params, z = posteriors(150, (dimensions,), scale, offset, spread=1.0)
    found = log_aggregate(z, diagonal_normal, params, own=torch.arange(150) if with_own else None)
    error = (found.log_qz - (pairwise(z, params).logsumexp(1) - math.log(150))).abs()
    assert error.max() <= 1e-3
    assert error.mean() <= 1e-4
    assert found.max_error <= 1e-3


@pytest.mark.parametrize("scale", [1e-4, 0.1, 0.2, 0.4, 1.0])
@pytest.mark.parametrize("dimensions", [10, 64, 1024])
@pytest.mark.parametrize("with_own", [False, True])
def test_the_error_stays_below_it_whatever_the_order_of_summation(
    one_after_another, posteriors, pairwise, scale, dimensions, with_own
):
    params, z = posteriors(100, (dimensions,), scale)
    own = torch.arange(100) if with_own else None
    one_after_another("as they come")
    found = log_aggregate(z, diagonal_normal, params, own=own)
    pairs = pairwise(z, params)
    error = (found.log_qz - (pairs.logsumexp(1) - math.log(100))).abs()
    assert error.max() <= 1e-3
    assert error.mean() <= 1e-4
    if with_own:
        assert_close(found.log_qz_loo, left_out(pairs, own), rtol=1e-5)


def test_queries_far_from_every_component_come_out_right(posteriors, pairwise):
    params, z = posteriors(200, (8,), 0.3)
    z[::7] += 300  # not among those that are checked
    found = log_aggregate(z, diagonal_normal, params)
    truth = pairwise(z, params).logsumexp(1) - math.log(200)
    assert truth.min() < -1e6
    assert_close(found.log_qz, truth)


@pytest.mark.parametrize("dimensions", [2, 64])
def test_scales_over_six_decades_in_one_model(posteriors, pairwise, dimensions):
    params, _ = posteriors(300, (dimensions,))
    params["scale"] = (10.0 ** torch.linspace(-5, 1, 300))[:, None].repeat(1, dimensions)
    z = params["loc"] + params["scale"] * torch.randn(300, dimensions)
    found = log_aggregate(z, diagonal_normal, params)
    error = (found.log_qz - (pairwise(z, params).logsumexp(1) - math.log(300))).abs()
    assert error.max() <= 1e-3
    assert error.mean() <= 1e-4


def test_one_narrow_component_among_many_wide_ones_comes_out_right(posteriors, mixture_log_prob):
    params, z = posteriors(1000, (10,))
    params["scale"][500] = 1e-4
    z[500] = params["loc"][500] + 1e-4 * torch.randn(10)
    found = log_aggregate(z, diagonal_normal, params)
    assert_close(found.log_qz, mixture_log_prob(z, params))


@pytest.mark.parametrize("n", [2, 5, 300])
@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_leave_one_out_is_the_mixture_of_the_others(posteriors, pairwise, n, scale):
    params, z = posteriors(n, (4,), scale)
    own = torch.randperm(n)
    z = z[own]
    found = log_aggregate(z, diagonal_normal, params, own=own)
    assert_close(found.log_qz_loo, left_out(pairwise(z, params), own), rtol=1e-5)


def test_leave_one_out_keeps_its_digits_when_the_own_component_has_all_the_mass(
    posteriors, pairwise
):
    params, z = posteriors(100, (20,), scale=1e-2, spread=1.0)
    own = torch.arange(100)
    found = log_aggregate(z, diagonal_normal, params, own=own)
    truth = left_out(pairwise(z, params), own)
    assert (truth - found.log_qz).max() < -1000  # far below what a subtraction could resolve
    assert_close(found.log_qz_loo, truth, rtol=1e-5)
    assert_close(found.largest_share, torch.ones(100, dtype=torch.float64), atol=1e-12)


def test_a_single_component_leaves_nothing_when_left_out(posteriors):
    params, z = posteriors(1, (3,))
    found = log_aggregate(z, diagonal_normal, params, own=torch.tensor([0]))
    assert found.log_qz_loo.tolist() == [-math.inf]


def test_without_own_components_there_is_no_leave_one_out(posteriors):
    params, z = posteriors(5, (3,))
    assert log_aggregate(z, diagonal_normal, params).log_qz_loo is None


def test_duplicated_components_change_nothing_but_the_largest_share(posteriors):
    params, z = posteriors(50, (3,), 0.3)
    twice = {k: torch.cat([v, v]) for k, v in params.items()}
    once, doubled = (log_aggregate(z, diagonal_normal, p) for p in (params, twice))
    assert_close(doubled.log_qz, once.log_qz, atol=1e-5)
    assert_close(doubled.largest_share, once.largest_share / 2, atol=1e-5)


def test_a_query_equal_to_all_others_has_an_even_share():
    params = {"loc": torch.zeros(8, 2), "scale": torch.ones(8, 2)}
    found = log_aggregate(torch.randn(3, 2), diagonal_normal, params, own=torch.tensor([0, 3, 7]))
    assert_close(found.largest_share, torch.full((3,), 1 / 8, dtype=torch.float64), atol=1e-6)
    assert_close(found.log_qz_loo, found.log_qz, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 0.03, 0.3, 1.0, 100.0])
@pytest.mark.parametrize("tile", [None, (33, 17)])
@pytest.mark.parametrize("with_own", [False, True])
def test_the_index_entropy_is_that_of_the_shares(posteriors, pairwise, scale, tile, with_own):
    params, z = posteriors(128, (3,), scale)
    own = torch.randperm(128) if with_own else None
    z = z if own is None else z[own]
    found = log_aggregate(z, diagonal_normal, params, own=own, tile=tile)
    truth = torch.distributions.Categorical(logits=pairwise(z, params)).entropy()
    assert_close(found.index_entropy, truth, atol=1e-4)
    assert found.index_entropy.min() >= 0
    assert found.index_entropy.max() <= math.log(128)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_identical_components_leave_the_index_wholly_open(n):
    params = {"loc": torch.full((n, 5), 3.0), "scale": torch.full((n, 5), 0.1)}
    z = 3 + 0.1 * torch.randn(50, 5)
    found = log_aggregate(z, diagonal_normal, params, own=torch.zeros(50).long())
    # The shares are alike and each a rounding of float32 off, 6e-8, and their sum some such.
    truth = torch.full((50,), math.log(n), dtype=torch.float64)
    assert_close(found.index_entropy, truth, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 100.0])
def test_no_paired_difference_exceeds_log_n(posteriors, pairwise, scale):
    params, z = posteriors(128, (6,), scale)
    own = torch.arange(128)
    log_qz_x = diagonal_normal.distribution({k: v.double() for k, v in params.items()}).log_prob(
        z.double()
    )
    found = log_aggregate(z, diagonal_normal, params, own=own)
    assert (log_qz_x - found.log_qz).max() <= math.log(128) + 1e-12
    assert_close(log_qz_x, pairwise(z, params).diagonal(), atol=1e-9)


@pytest.mark.parametrize("tile", [(100, 17), (1000, 64), (64, 1000)])
def test_the_tile_size_does_not_matter(posteriors, tile):
    params, z = posteriors(500, (5,), 0.5)
    own = torch.arange(500)
    planned = log_aggregate(z, diagonal_normal, params, own=own)
    tiled = log_aggregate(z, diagonal_normal, params, own=own, tile=tile)
    for found, truth in ((tiled.log_qz, planned.log_qz), (tiled.log_qz_loo, planned.log_qz_loo)):
        assert_close(found, truth)
        assert_close(found.mean(), truth.mean(), atol=0.0, rtol=1e-5)


@pytest.mark.parametrize("tile", [(1, 1), (1, 60), (60, 1)])
def test_a_tile_may_be_a_single_pair_row_or_column(posteriors, mixture_log_prob, tile):
    params, z = posteriors(60, (2,))
    found = log_aggregate(z, diagonal_normal, params, own=torch.arange(60), tile=tile)
    assert_close(found.log_qz, mixture_log_prob(z, params))


@pytest.mark.parametrize("with_own", [False, True])
def test_a_family_with_only_pairwise_densities_is_served(laplace, posteriors, with_own):
    params, z = posteriors(200, (2, 3))
    own = torch.arange(200) if with_own else None
    pairs = torch.distributions.Laplace(params["loc"].double(), params["scale"].double())
    truth = pairs.log_prob(z.double()[:, None]).sum((2, 3))
    found = log_aggregate(z, laplace, params, own=own, tile=(33, 64))
    assert_close(found.log_qz, truth.logsumexp(1) - math.log(200))
    if with_own:
        assert_close(found.log_qz_loo, left_out(truth, own))


def test_a_family_without_any_way_to_all_pairs_is_refused():
    bare = Family(name="bare", distribution=diagonal_normal.distribution, constraints={})
    params = {"loc": torch.zeros(2, 1), "scale": torch.ones(2, 1)}
    with pytest.raises(UnavailableError, match="No aggregate posterior: the family bare"):
        log_aggregate(torch.zeros(2, 1), bare, params)


def test_pairs_are_never_all_in_memory_at_once():
    # All pairs would be 6000 × 6000 × 64 float32 values = 9 GB, without dimensions 144 MB.
    params = {"loc": torch.randn(6000, 64), "scale": torch.ones(6000, 64)}
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as profile:
        log_aggregate(params["loc"], diagonal_normal, params, own=torch.arange(6000))
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert 0 < largest < 64e6
