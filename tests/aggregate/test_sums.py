import math

import pytest
import torch
from torch.distributions import Categorical

from genprobe.aggregate.sums import RunningLogSum, merged_entropy

LN_2 = math.log(2)
NOTHING = -math.inf


def add(running, log2):
    """One tile, given as absolute base-2 logs."""
    pairs = log2 - running.reference[:, None].to(log2.dtype)
    running.add(pairs, torch.empty_like(pairs))


def require_sums_of(running, log2, **tolerance):
    """Check the sums against the pairs all together."""
    nats = log2.double() * LN_2
    torch.testing.assert_close(running.log_sum(), nats.logsumexp(1), **tolerance)
    torch.testing.assert_close(running.largest(), nats.amax(1), **tolerance)
    entropy = Categorical(logits=nats).entropy()
    torch.testing.assert_close(running.entropy(), entropy, **{"atol": 1e-6, "rtol": 1e-6})


@pytest.mark.parametrize("spread", [0.1, 10, 1000, 1e5])
@pytest.mark.parametrize("offset", [0.0, -1e4, 1e6])
def test_sums_are_those_of_all_tiles_together(spread, offset):
    log2 = offset + spread * torch.randn(5, 40, dtype=torch.float64)
    running = RunningLogSum.empty(5)
    for tile in log2.split(7, dim=1):
        add(running, tile)
    require_sums_of(running, log2)


def test_pairs_that_rise_far_beyond_float32_are_followed():
    log2 = torch.tensor([[0.0, 120.0, 90.0, 300.0, 5000.0, 4999.0]], dtype=torch.float32)
    running = RunningLogSum.empty(1)
    for tile in log2.split(1, dim=1):
        add(running, tile)
    require_sums_of(running, log2)


def test_a_tile_of_no_pairs_adds_nothing():
    running = RunningLogSum.empty(2)
    nothing = torch.full((2, 3), NOTHING)
    add(running, nothing)
    assert (running.log_sum() == NOTHING).all()
    assert (running.largest() == NOTHING).all()
    assert (running.entropy() == 0).all()
    add(running, torch.tensor([[0.0, 0.0], [-1e6, -1e6]]))
    add(running, nothing)
    require_sums_of(running, torch.tensor([[0.0, 0.0], [-1e6, -1e6]]))


def test_some_queries_may_be_added_to_alone():
    log2 = 100 * torch.randn(6, 20, dtype=torch.float64)
    running = RunningLogSum.empty(6)
    for rows in (slice(0, 2), torch.tensor([5, 3]), torch.tensor([2, 4])):
        some = running.at(rows)
        add(some, log2[rows])
        if not isinstance(rows, slice):
            running.put(rows, some)
    require_sums_of(running, log2)


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("step", [-5000.0, -200.0, 50.0])
def test_sums_go_on_from_some_queries_to_pairs_far_below_or_above(waits, step):
    log2 = torch.tensor([[0.0, 1.0, step, step + 1.0]], dtype=torch.float64)
    running = RunningLogSum.empty(1, waits=waits)
    for tile in log2.split(2, dim=1):
        some = running.at(torch.tensor([0]))
        add(some, tile)
        running.put(torch.tensor([0]), some)
    require_sums_of(running, log2)
    assert not running.doubtful.any()


@pytest.mark.parametrize("sizes", [(1, 1), (3, 5), (1, 50)])
def test_the_entropy_of_two_sets_follows_from_theirs(sizes):
    logs = 3 * torch.randn(4, sum(sizes), dtype=torch.float64)
    sets = [
        (part.logsumexp(1), Categorical(logits=part).entropy()) for part in logs.split(sizes, 1)
    ]
    torch.testing.assert_close(merged_entropy(*sets), Categorical(logits=logs).entropy())


def test_a_set_without_density_changes_no_entropy():
    some = (torch.tensor([-3.0]).double(), torch.tensor([0.7]).double())
    none = (torch.tensor([NOTHING]).double(), torch.tensor([0.0]).double())
    assert merged_entropy(some, none).item() == merged_entropy(none, some).item() == some[1].item()
    assert merged_entropy(none, none).item() == 0.0


@pytest.mark.parametrize("offset", [0.0, -1e5, 400.0])
@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_merged_sums_are_those_of_all_pairs(offset, order):
    log2 = torch.randn(6, 50, dtype=torch.float64) * 30
    log2[:, 25:] += offset  # the larger pairs may be in either
    log2[0, :25], log2[1, 25:] = NOTHING, NOTHING
    halves = [log2[:, :25], log2[:, 25:]]
    running = RunningLogSum.empty(6)
    for i in order:
        other = RunningLogSum.empty(6)
        add(other, halves[i])
        running.merge(slice(None), other)
    require_sums_of(running, log2)


def test_merging_nothing_changes_nothing():
    log2 = torch.randn(4, 9, dtype=torch.float64) - 500
    running = RunningLogSum.empty(4)
    add(running, log2)
    running.merge(slice(0, 2), RunningLogSum.empty(2))
    require_sums_of(running, log2)
