import math

import pytest
import torch

from genprobe.aggregate.plan import Tile
from genprobe.aggregate.tiles import RunningLogSum, log_sums, own_log_prob, split_blocks
from genprobe.families.diagonal_normal import diagonal_normal


def test_running_sum_is_logsumexp_over_all_tiles():
    log2 = 1000 * torch.randn(5, 40, dtype=torch.float64)
    running = RunningLogSum(5)
    for tile in log2.split(7, dim=1):
        running.add(slice(0, 5), tile.clone())
    torch.testing.assert_close(running.log_sum(), (log2 * math.log(2)).logsumexp(1))


def test_running_sum_ignores_a_tile_of_excluded_pairs():
    running = RunningLogSum(2)
    nothing = torch.full((2, 3), -math.inf)
    running.add(slice(0, 2), nothing.clone())
    assert (running.log_sum() == -math.inf).all()
    running.add(slice(0, 2), torch.tensor([[0.0, 0.0], [-1e6, -1e6]]))
    running.add(slice(0, 2), nothing.clone())
    truth = torch.tensor([1.0, 1 - 1e6], dtype=torch.float64) * math.log(2)
    torch.testing.assert_close(running.log_sum(), truth)


@pytest.mark.parametrize("tile", [None, Tile(1, 1), Tile(8, 5), Tile(100, 100)])
def test_own_pairs_are_kept_apart_whatever_the_tile(posteriors, pairwise, tile):
    params, z = posteriors(40, (3,))
    own = torch.randperm(40)
    blocks = [
        (0, {k: v[:25] for k, v in params.items()}),
        (25, {k: v[25:] for k, v in params.items()}),
    ]
    done = []
    found = log_sums(z, diagonal_normal, lambda: blocks, own, torch.float64, tile, done.append)
    pairs = pairwise(z, params)
    torch.testing.assert_close(found.own, pairs[torch.arange(40), own])
    pairs[torch.arange(40), own] = -math.inf
    torch.testing.assert_close(found.others, pairs.logsumexp(1))
    torch.testing.assert_close(found.largest, pairs.amax(1))
    assert sum(done) == 40


def test_float32_pairs_are_centred_before_the_matmul(posteriors, pairwise):
    params, z = posteriors(100, (8,), 0.5, offset=1e4)
    own = torch.full((100,), -1)
    blocks = [(0, params)]
    found = log_sums(z, diagonal_normal, lambda: blocks, own, torch.float32, None, lambda n: None)
    torch.testing.assert_close(found.others, pairwise(z, params).logsumexp(1), atol=1e-3, rtol=0)


def test_own_density_is_float64(posteriors, pairwise):
    params, z = posteriors(10, (4,), 1e-4, offset=1.0)
    found = own_log_prob(z, diagonal_normal, params, torch.arange(10))
    torch.testing.assert_close(found, pairwise(z, params).diagonal())


def test_split_blocks_keeps_every_component_once_and_in_order():
    blocks = [(0, {"loc": torch.arange(5)}), (5, {"loc": torch.arange(5, 12)})]
    parts = list(split_blocks(blocks, 3))
    assert [start for start, _ in parts] == [0, 3, 5, 8, 11]
    assert torch.cat([p["loc"] for _, p in parts]).tolist() == list(range(12))
