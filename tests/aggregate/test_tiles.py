import math

import pytest
import torch

from genprobe.aggregate import tiles
from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.pairs import BOUND
from genprobe.aggregate.plan import Tile
from genprobe.aggregate.tiles import Group, log_sums, own_log_prob
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime import outer_threads as outer_threads_module
from genprobe.runtime.outer_threads import outer_threads


@pytest.mark.parametrize("tile", [Tile(1, 1), Tile(8, 5, 25), Tile(100, 100, 7)])
def test_own_pairs_are_kept_apart_whatever_the_tile(posteriors, pairwise, tile):
    params, z = posteriors(40, (3,))
    own = torch.randperm(40)
    done = []
    found = log_sums(
        z, diagonal_normal, in_memory(params), own, tile=tile, margin=0.0, advance=done.append
    )
    pairs = pairwise(z, params)
    torch.testing.assert_close(found.own, pairs[torch.arange(40), own])
    pairs[torch.arange(40), own] = -math.inf
    torch.testing.assert_close(found.others, pairs.logsumexp(1))
    torch.testing.assert_close(found.largest, pairs.amax(1))
    entropy = torch.distributions.Categorical(logits=pairs).entropy()
    torch.testing.assert_close(found.entropy, entropy)
    assert sum(done) == 40
    assert found.skipped == 0.0


def test_float32_pairs_are_centred_before_the_matmul(posteriors, pairwise):
    params, z = posteriors(100, (8,), 0.5, offset=1e4)
    own = torch.full((100,), -1)
    found = log_sums(z, diagonal_normal, in_memory(params), own, tile=Tile(64, 64), margin=BOUND)
    torch.testing.assert_close(found.others, pairwise(z, params).logsumexp(1), atol=1e-3, rtol=0)


def test_own_density_is_float64(posteriors, pairwise):
    params, z = posteriors(10, (4,), 1e-4, offset=1.0)
    found = own_log_prob(z, diagonal_normal, params, torch.arange(10))
    torch.testing.assert_close(found, pairwise(z, params).diagonal())


def test_own_densities_a_few_at_a_time_are_the_same(posteriors, pairwise, monkeypatch):
    params, z = posteriors(10, (4,), 0.3)
    monkeypatch.setattr(tiles, "OWN_VALUES", 12)
    found = own_log_prob(z, diagonal_normal, params, torch.arange(10))
    torch.testing.assert_close(found, pairwise(z, params).diagonal())


def test_a_group_knows_where_the_own_components_are():
    params = {"loc": torch.arange(4.0)}
    group = Group(100, torch.tensor([0, 3, 5, 9]), params)
    own = torch.tensor([100, 101, 105, 109, 110, 3, -1])
    assert group.columns(own).tolist() == [0, -1, 2, 3, -1, -1, -1]
    turned = group.ordered(torch.tensor([3, 2, 1, 0]))
    assert turned.columns(own).tolist() == [3, -1, 1, 0, -1, -1, -1]
    assert turned.params["loc"].tolist() == [3.0, 2.0, 1.0, 0.0]


@pytest.mark.parametrize("least", [None, -6.0])
def test_sums_do_not_depend_on_the_number_of_threads(posteriors, monkeypatch, least):
    monkeypatch.setattr(tiles, "PIECE", 300)
    monkeypatch.setattr(outer_threads_module, "available_cpus", lambda: 3)
    params, z = posteriors(9000, (2,), 0.01)
    z, own = z[:900], torch.arange(900)
    bound = None if least is None else torch.full((900,), least, dtype=torch.float64)

    def sums():
        return log_sums(
            z, diagonal_normal, in_memory(params), own, tile=Tile(100, 70), margin=BOUND,
            least=bound,
        )  # fmt: skip

    alone = sums()
    assert (alone.skipped > 0) == (least is not None)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with outer_threads() as count:
            together = sums()
    finally:
        torch.set_num_threads(before)
    assert count == 3
    for one, other in zip(alone[:4], together[:4], strict=True):
        assert torch.equal(one, other)
    assert alone.skipped == together.skipped


def test_a_cell_that_no_query_needs_is_left_out():
    loc = torch.randn(9000, 2)
    loc[4500:] += 1000
    params = {"loc": loc, "scale": torch.full((9000, 2), 0.01)}
    found = log_sums(
        loc[:900], diagonal_normal, in_memory(params), torch.arange(900), tile=Tile(100, 70),
        margin=BOUND, least=torch.zeros(900, dtype=torch.float64),
    )  # fmt: skip
    assert found.skipped > 0.5
