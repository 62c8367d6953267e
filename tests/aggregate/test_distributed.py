import math

import pytest
import torch
from torch.distributions import Independent, Normal

from genprobe.aggregate import distributed
from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.distributed import combined
from genprobe.aggregate.exact import exact_log_sums
from genprobe.aggregate.plan import Tile
from genprobe.aggregate.sums import LogSums
from genprobe.aggregate.tiles import log_sums
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime.ranks import ALONE, Ranks

N, M = 41, 7


@pytest.fixture
def stacked(monkeypatch):
    """Combine sums whose first axis is the rank: what processes exchange, in one of them."""
    monkeypatch.setattr(distributed, "broadcast", lambda x, _: x)
    monkeypatch.setattr(
        distributed, "all_sum", lambda x, _: x.sum(0).expand_as(x) if x.dim() else x
    )
    monkeypatch.setattr(
        distributed,
        "all_max",
        lambda x, _: x.amax(1, keepdim=True).expand_as(x) if x.dim() else x,
    )

    def combine(parts):
        fields = [torch.stack(field) for field in zip(*(part[:4] for part in parts), strict=True)]
        return combined(LogSums(*fields), Ranks(0, len(parts) + 1))

    return combine


@pytest.fixture
def components():
    params = {"loc": 3 * torch.randn(N, 2), "scale": 0.1 + torch.rand(N, 2)}
    own = torch.tensor([0, 40, 13, 14, 20, -1, 5])
    z = params["loc"][own] + torch.randn(M, 2) * params["scale"][own]
    z[4] += 1e3  # far from everything
    return params, z, own


def truth(params, z, own):
    """Every field by its definition, in float64."""
    q = Independent(Normal(params["loc"].double(), params["scale"].double()), 1)
    pairs = q.log_prob(z.double()[:, None])
    found = pairs.gather(1, own.clamp(min=0)[:, None])[:, 0].where(own >= 0, -math.inf)
    pairs[torch.arange(len(own))[own >= 0], own[own >= 0]] = -math.inf
    share = pairs.softmax(1)
    return LogSums(pairs.logsumexp(1), found, pairs.amax(1), torch.special.entr(share).sum(1))


def share_of(params, first, last):
    """Blocks of a stretch of components; of an empty one, none."""
    part = {k: v[first:last] for k, v in params.items()}
    blocks = in_memory(part)
    return lambda rows: ((first + start, some) for start, some in blocks(rows))


@pytest.mark.parametrize("size", [1, 2, 3, 64])
@pytest.mark.parametrize("exact", [True, False])
def test_sums_over_shares_are_the_sums_over_all(stacked, components, size, exact):
    params, z, own = components
    parts = []
    for rank in range(size):
        blocks = share_of(params, *Ranks(rank, size).span(N))
        if exact:
            parts.append(exact_log_sums(z, diagonal_normal, blocks, own))
        else:
            tile = Tile(8, 8)
            parts.append(log_sums(z, diagonal_normal, blocks, own, tile=tile, margin=0.0))
    found = stacked(parts)
    for values, expected in zip(found[:4], truth(params, z, own)[:4], strict=True):
        for rank in range(size):
            torch.testing.assert_close(values[rank], expected, rtol=1e-9, atol=1e-9)


def test_a_query_that_no_other_component_reaches_stays_at_minus_infinity(stacked):
    nothing, own = torch.tensor([-math.inf]).double(), torch.tensor([-1.5]).double()
    empty = LogSums(nothing, nothing, nothing, torch.zeros(1).double())
    found = stacked([empty, empty._replace(own=own), empty])
    assert [float(values[0]) for values in found[:4]] == [-math.inf, -1.5, -math.inf, 0.0]


def test_nan_on_one_rank_is_nan_in_the_sum(stacked):
    value = torch.zeros(1).double()
    fine = LogSums(value, value, value, value)
    found = stacked([fine, fine._replace(others=value * math.nan)])
    assert found.others[0].isnan()
    assert found.largest[0] == 0.0


def test_a_process_alone_keeps_its_sums_as_they_are(components):
    params, z, own = components
    sums = exact_log_sums(z, diagonal_normal, share_of(params, 0, N), own)
    assert combined(sums, ALONE) is sums
