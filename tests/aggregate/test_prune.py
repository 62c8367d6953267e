import dataclasses
import math

import pytest
import torch

from genprobe.aggregate import log_aggregate, prune
from genprobe.aggregate.density import negligible
from genprobe.aggregate.prune import cells, needed, worth
from genprobe.families.diagonal_normal import diagonal_normal

N, M = 16_384, 1024


def separated(scale=1e-3, k=4, n=N, seed=0):
    """Posteriors far apart, draws of some, and their own components."""
    generator = torch.Generator().manual_seed(seed)
    loc = torch.randn(n, k, generator=generator)
    widths = scale * torch.exp(0.3 * torch.randn(n, k, generator=generator))
    own = torch.randperm(n, generator=generator)[:M]
    z = loc[own] + widths[own] * torch.randn(M, k, generator=generator)
    return {"loc": loc, "scale": widths}, z, own


def least_of(params, z, own):
    q = diagonal_normal.distribution({k: v[own].double() for k, v in params.items()})
    return negligible(q.log_prob(z.double()), len(params["loc"]), 1e-6)


def test_cells_hold_every_component_once_and_are_even():
    params, _, _ = separated(n=5000)
    found = cells(diagonal_normal, params, 300)
    assert torch.cat(found).sort().values.tolist() == list(range(5000))
    assert len(found) == 32
    assert {len(cell) for cell in found} == {156, 157}


def test_cells_are_of_near_components():
    params, _, _ = separated()
    spread = [params["loc"][cell].std(0).prod() for cell in cells(diagonal_normal, params, 512)]
    assert max(spread) < params["loc"].std(0).prod() / 4


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_the_bound_holds_for_every_component_of_a_cell(pairwise, scale, offset):
    params, z, _ = separated(scale, n=2000)
    params["loc"] += offset
    z = z + offset
    members = cells(diagonal_normal, params, 100)
    bound = diagonal_normal.upper(
        {k: torch.stack([v[c][:62] for c in members]) for k, v in params.items()}
    )
    highest = torch.stack(
        [pairwise(z[:100], {k: v[c][:62] for k, v in params.items()}).amax(1) for c in members], 1
    )
    assert (bound(z[:100].double()) >= highest - prune.ROUNDING).all()


def test_what_is_not_needed_adds_up_to_less_than_the_share(pairwise):
    params, z, own = separated(0.05)
    members = cells(diagonal_normal, params, 256)
    least = least_of(params, z, own)
    kept = needed(z, diagonal_normal, params, members, least)
    assert 0.001 < kept.double().mean() < 0.9
    for m in range(0, M, 50):
        out = torch.cat([members[c] for c in (~kept[m]).nonzero().squeeze(1).tolist()])
        pairs = pairwise(z[m : m + 1], params)[0]
        assert pairs[out].logsumexp(0) - pairs.logsumexp(0) <= math.log(1e-6)


def test_separated_posteriors_are_pruned_and_nothing_changes():
    params, z, own = separated(0.02)
    dense = log_aggregate(z, diagonal_normal, params, own=own)
    pruned = log_aggregate(z, diagonal_normal, params, own=own, skip=1e-6)
    assert dense.skipped == 0.0
    assert pruned.skipped > 0.5
    difference = (pruned.log_qz - dense.log_qz).abs()
    assert difference.mean() <= 1e-6
    assert difference.max() <= 2e-5  # float32 rounds the cells' pairs otherwise
    torch.testing.assert_close(pruned.index_entropy, dense.index_entropy, atol=1e-4, rtol=0)
    assert (pruned.log_qz_loo <= dense.log_qz_loo + 0.1).all()  # a lower bound, rounded


def test_overlapping_posteriors_are_not():
    params, z, own = separated(1.0)
    assert not worth(z, diagonal_normal, params, least_of(params, z, own))
    found = log_aggregate(z, diagonal_normal, params, own=own, skip=1e-6)
    assert found.skipped == 0.0


def test_few_components_or_queries_are_not_worth_an_index():
    params, z, own = separated()
    least = least_of(params, z, own)
    assert worth(z, diagonal_normal, params, least)
    few = {k: v[:4000] for k, v in params.items()}
    assert not worth(z, diagonal_normal, few, least)
    assert not worth(z[:100], diagonal_normal, params, least[:100])


def test_a_family_without_a_bound_is_never_pruned():
    params, z, own = separated()
    bare = dataclasses.replace(diagonal_normal, upper=None)
    assert log_aggregate(z, bare, params, own=own, skip=1e-6).skipped == 0.0
