import dataclasses
import math

import pytest
import torch

from genprobe.aggregate.pairs import BOUND, by_precision, cancelling_parts
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.full_normal import full_normal
from genprobe.families.logistic_normal import logistic_normal

LN_2 = math.log(2)


def groups(params, margin=BOUND, family=diagonal_normal):
    """(components, pairs) of each group."""
    return [
        (chosen, prepare({k: v[chosen] for k, v in params.items()}))
        for chosen, prepare in by_precision(family, params, margin)
    ]


def nats(pairs, z, count, reference):
    """All pairs of a group, in nats."""
    out = torch.empty(len(z), count, dtype=pairs.dtype)
    log2 = pairs.log2(pairs.queries(z), reference, slice(0, count), out)
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
    out = torch.empty(50, 7)
    part = pairs.log2(pairs.queries(z), reference, slice(20, 27), out)
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
    loc = torch.randn(200, dimensions)
    params = {"loc": loc, "scale": scale * torch.exp(0.2 * torch.randn(200, dimensions))}
    z = loc + params["scale"] * torch.randn(200, dimensions)
    ((_, pairs),) = groups(params, margin=math.inf)
    assert pairs.dtype == torch.float32
    reference = pairwise(z, params).diagonal() / LN_2
    found = nats(pairs, z, 200, reference)
    error = (found - pairwise(z, params)).diagonal().abs().max()
    assert error <= pairs.margin
    assert pairs.margin <= 100 * error + 1e-4  # and is not far too careful


def test_parts_cancel_less_the_nearer_the_components_lie_to_their_centre(posteriors):
    near, _ = posteriors(50, (3,), spread=0.1)
    far, _ = posteriors(50, (3,), spread=10.0)
    assert cancelling_parts(diagonal_normal, near).mean() < 10
    assert cancelling_parts(diagonal_normal, far).mean() > 100


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
    found = cancelling_parts(logistic_normal, params)
    assert found.isfinite().all()
    assert torch.equal(found, cancelling_parts(logistic_normal, params))
    assert torch.equal(before, torch.random.get_rng_state())
