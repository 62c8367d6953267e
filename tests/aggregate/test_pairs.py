import dataclasses
import math

import pytest
import torch

from genprobe.aggregate.pairs import BOUND, Way, by_precision, cancelling_parts, matmul_pairs
from genprobe.aggregate.rounding import DEVIATIONS, pieces_of, rounding_of_one
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.full_normal import full_normal
from genprobe.families.logistic_normal import logistic_normal

LN_2 = math.log(2)


def drawn(n, dimensions, scale, spread=0.2):
    """(loc, scale) of n diagonal normals, scales about one, and one draw from each."""
    loc = torch.randn(n, dimensions)
    params = {"loc": loc, "scale": scale * torch.exp(spread * torch.randn(n, dimensions))}
    return params, loc + params["scale"] * torch.randn(n, dimensions)


def errors_near(pairs, z, truth):
    """By how many nats each query is off at the component of its own place."""
    found = nats(pairs, z, len(z), truth.diagonal() / LN_2)
    return (found - truth).diagonal().abs()


def groups(params, margin=BOUND, family=diagonal_normal):
    """(components, pairs) of each group."""
    return [
        (chosen, prepare({k: v[chosen] for k, v in params.items()}))
        for chosen, prepare in by_precision(family, params, margin)
    ]


def room(pairs, z, count):
    """The two buffers that pairs are worked out in."""
    return torch.full((2, len(z), count), math.nan, dtype=pairs.dtype)


def nats(pairs, z, count, reference):
    """All pairs of a group, in nats."""
    log2 = pairs.log2(pairs.queries(z), reference, slice(0, count), *room(pairs, z, count))
    return (log2.double() + reference[:, None]) * LN_2


@pytest.mark.parametrize("margin", [BOUND, 0.0], ids=["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 30.0, 1e4])
def test_pairs_are_log_densities_less_the_reference(posteriors, pairwise, margin, offset):
    params, z = posteriors(100, (5,), 0.5, offset=offset)
    ((chosen, pairs),) = groups(params, margin)
    assert pairs.dtype == (torch.float32 if margin else torch.float64)
    reference = 10 * torch.randn(100, dtype=torch.float64)
    found = nats(pairs, z, len(chosen), reference)
    truth = pairwise(z, params)
    # What lies far below the largest has no share in a sum, and fewer digits.
    torch.testing.assert_close(found, truth, atol=pairs.margin, rtol=1e-5)


def test_a_stretch_of_components_is_that_stretch(posteriors):
    params, z = posteriors(50, (3,))
    ((_, pairs),) = groups(params)
    reference = torch.zeros(50, dtype=torch.float64)
    whole = nats(pairs, z, 50, reference)
    part = pairs.log2(pairs.queries(z), reference, slice(20, 27), *room(pairs, z, 7))
    torch.testing.assert_close(part.double() * LN_2, whole[:, 20:27], atol=1e-4, rtol=1e-5)


def test_components_go_where_they_are_precise_enough(posteriors):
    params, _ = posteriors(300, (4,))
    scale = torch.tensor([1.0, 1e-3, 1e-9]).repeat_interleave(100)
    params["scale"] = scale[:, None].expand(300, 4)
    found = groups(params)
    assert [pairs.dtype for _, pairs in found] == [torch.float32, torch.float64, torch.float64]
    assert torch.equal(torch.cat([chosen for chosen, _ in found]), torch.arange(300))
    assert [len(chosen) for chosen, _ in found] == [100, 100, 100]
    assert all(pairs.margin <= BOUND for _, pairs in found)


@pytest.mark.parametrize("dimensions", [1, 10, 64, 256, 1024])
@pytest.mark.parametrize("scale", [0.05, 0.4, 1.0])
def test_the_margin_bounds_the_rounding_near_a_component(pairwise, dimensions, scale):
    params, z = drawn(200, dimensions, scale)
    ((_, pairs),) = groups(params, margin=math.inf)
    assert pairs.dtype == torch.float32
    assert errors_near(pairs, z, pairwise(z, params)).max() <= pairs.margin


@pytest.mark.parametrize("order", ["as they come", "positive first", "smallest first"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dimensions", [1, 10, 64, 300, 1024])
def test_no_order_of_summation_rounds_more(one_after_another, pairwise, order, dtype, dimensions):
    """Adding term after term, rounding every product and sum, is the worst that a BLAS may do."""
    # So narrow that also float64's rounding is far above that of the truth.
    params, z = drawn(60, dimensions, 0.2 if dtype == torch.float32 else 1e-3, spread=1.0)
    one_after_another(order)
    parts = cancelling_parts(diagonal_normal, params)
    for pieces in pieces_of(parts.terms):
        pairs = matmul_pairs(diagonal_normal, params, Way(dtype, pieces))
        error = errors_near(pairs, z, pairwise(z, params))
        allowed = torch.finfo(dtype).eps * parts.near(pieces)
        assert (error <= allowed).all()
        # The mean size of an error is √(2/π) of its deviation, a fifth of which is allowed for.
        assert error.mean() <= math.sqrt(2 / math.pi) / DEVIATIONS * allowed.mean()
        if order == "as they come":
            assert error.mean() <= allowed.mean() / 10
            # And it is not far too careful: a tenth was expected.
            assert pieces > 1 or (error / allowed).square().mean().sqrt() >= 1 / 30


@pytest.mark.parametrize("dimensions", [10, 64, 1024])
def test_dimensions_that_carry_nothing_round_as_well(one_after_another, pairwise, dimensions):
    """At the mean no part of a standard normal is large; at a draw each value has half a nat."""
    params = {"loc": torch.zeros(60, dimensions), "scale": torch.ones(60, dimensions)}
    z = torch.randn(60, dimensions)
    one_after_another("as they come")
    parts = cancelling_parts(diagonal_normal, params)
    for pieces in pieces_of(parts.terms):
        pairs = matmul_pairs(diagonal_normal, params, Way(torch.float32, pieces))
        error = errors_near(pairs, z, pairwise(z, params))
        assert (error <= torch.finfo(torch.float32).eps * parts.near(pieces)).all()


@pytest.mark.parametrize("dimensions", [64, 1024])
@pytest.mark.parametrize("below", [1e3, 1e5])
def test_no_order_of_summation_rounds_more_far_from_a_component(
    one_after_another, pairwise, dimensions, below
):
    params, z = drawn(60, dimensions, 0.3)
    z += 0.3 * math.sqrt(2 * below / dimensions) * torch.randn(60, dimensions).sign()
    one_after_another("as they come")
    parts = cancelling_parts(diagonal_normal, params)
    for pieces in pieces_of(parts.terms):
        pairs = matmul_pairs(diagonal_normal, params, Way(torch.float32, pieces))
        truth, relative = pairwise(z, params), rounding_of_one(parts.terms, pieces)
        lower = -truth.diagonal() - truth.diagonal().max().clamp(max=0)
        allowed = torch.finfo(torch.float32).eps * (parts.near(pieces) + relative * lower)
        assert (errors_near(pairs, z, truth) <= allowed).all()


@pytest.mark.parametrize("pieces", [1, 2, 4, 8])
@pytest.mark.parametrize("dimensions", [1, 3, 35])
def test_pairs_in_pieces_are_the_same(pairwise, dimensions, pieces):
    params, z = drawn(30, dimensions, 0.5)
    pairs = matmul_pairs(diagonal_normal, params, Way(torch.float64, pieces))
    found = nats(pairs, z, 30, torch.zeros(30, dtype=torch.float64))
    torch.testing.assert_close(found, pairwise(z, params), atol=1e-10, rtol=1e-12)


def test_components_get_more_pieces_before_they_get_more_digits():
    loc, scale = torch.randn(400, 300), torch.ones(400, 300)
    params = {"loc": loc, "scale": scale * 10 ** torch.linspace(0, -5, 400)[:, None]}
    dtypes, pieces = [], []
    for chosen, prepare in by_precision(diagonal_normal, params, BOUND):
        pairs = prepare({k: v[chosen] for k, v in params.items()})
        dtypes.append(pairs.dtype)
        pieces.append(len(pairs.queries(loc)[0]) if pairs.margin else 0)
    assert dtypes == sorted(dtypes, key=lambda dtype: torch.finfo(dtype).bits)
    assert set(dtypes) == {torch.float32, torch.float64}
    for dtype in set(dtypes):
        mine = [p for p, d in zip(pieces, dtypes, strict=True) if d == dtype and p]
        assert mine == sorted(mine)
        assert max(mine) > 1


def test_parts_cancel_less_the_nearer_the_components_lie_to_their_centre(posteriors):
    near, _ = posteriors(50, (3,), spread=0.1)
    far, _ = posteriors(50, (3,), spread=10.0)
    near, far = (cancelling_parts(diagonal_normal, params).near(1) for params in (near, far))
    assert 10 * near.mean() < far.mean()


def test_a_family_of_pairwise_densities_only(laplace, posteriors):
    params, z = posteriors(20, (2,))
    ((_, pairs),) = groups(params, family=laplace)
    truth = torch.distributions.Laplace(params["loc"].double(), params["scale"].double())
    found = nats(pairs, z, 20, torch.ones(20, dtype=torch.float64))
    each = truth.log_prob(z.double()[:, None]).sum(2)
    torch.testing.assert_close(found, each, atol=1e-5, rtol=1e-6)


def test_a_family_that_cannot_be_moved_is_not_centred(posteriors, pairwise):
    params, z = posteriors(40, (3,), offset=3.0)
    still = dataclasses.replace(diagonal_normal, translate=None)
    ((_, pairs),) = groups(params, family=still)
    found = nats(pairs, z, 40, torch.zeros(40, dtype=torch.float64))
    torch.testing.assert_close(found, pairwise(z, params), atol=pairs.margin, rtol=1e-5)


@pytest.mark.parametrize("narrow", [1e-1, 1e-2, 1e-3])
def test_the_margin_bounds_what_cancels_away_from_the_mean(narrow):
    """At one mean for all no part is large; a deviation away those of a thin covariance are."""
    scale_tril = torch.tensor([[1.0, 0], [1, narrow]]) * (0.5 + torch.rand(200, 1, 1))
    params = {"loc": torch.zeros(200, 2), "scale_tril": scale_tril}
    ((_, pairs),) = groups(params, margin=math.inf, family=full_normal)
    assert pairs.dtype == torch.float32
    z = full_normal.sample(params, 1)[0]
    exact = full_normal.distribution({k: v.double() for k, v in params.items()})
    truth = exact.log_prob(z.double())
    error = (nats(pairs, z, 200, truth / LN_2).diagonal() - truth).abs().max()
    assert error <= pairs.margin


def test_without_a_mean_a_draw_says_how_large_the_parts_are():
    params = {"loc": torch.randn(50, 3), "scale": 0.5 + torch.rand(50, 3)}
    before = torch.random.get_rng_state()
    found, again = (cancelling_parts(logistic_normal, params).near(1) for _ in range(2))
    assert found.isfinite().all()
    assert torch.equal(found, again)
    assert torch.equal(before, torch.random.get_rng_state())
