"""Shares summed by column in the pass are those of float64 brute force."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import scipy.sparse
import torch
from torch.distributions import Independent, Normal

from genprobe.aggregate import distributed
from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.density import log_aggregate_blocks, negligible
from genprobe.aggregate.exact import exact_log_sums
from genprobe.aggregate.sums import RunningLogSum
from genprobe.aggregate.tally import Tally
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime.ranks import Ranks

CLASSES = 3


def rows_of(values):
    """One column a class, and one of all that have a class."""
    dense = torch.zeros(len(values), CLASSES + 1)
    dense[values >= 0, values[values >= 0]] = 1.0
    dense[:, -1] = (values >= 0).float()
    return dense


def truth(z, params, rows, own=None):
    """The shares by column and their moments, from all pairs in float64."""
    q = Independent(Normal(params["loc"].double(), params["scale"].double()), 1)
    pairs = q.log_prob(z.double()[:, None])
    if own is not None:
        pairs[torch.arange(len(z)), own] = -math.inf
    shares = pairs.softmax(1)
    last = rows[:, -1:].double()
    return shares @ rows.double(), torch.special.xlogy(shares, shares) @ last


@pytest.fixture
def case(posteriors):
    def make(n, dimensions, scale, queries):
        params, z = posteriors(n, (dimensions,), scale, 0.0)
        values = torch.arange(n) % (CLASSES + 1) - 1
        rows = rows_of(values)
        tally = Tally(
            rows=scipy.sparse.csr_array(rows.numpy()), moments=(CLASSES,), queries=queries
        )
        return params, z, rows, tally

    return make


@pytest.mark.parametrize(
    ("tile", "scale", "queries"),
    [(None, 0.05, 60), (None, 1.0, 40), ((30, 17), 0.05, 60), ((30, 17), 20.0, 1)],
)
def test_the_tally_is_that_of_all_pairs(case, tile, scale, queries):
    params, z, rows, tally = case(60, 3, scale, queries)
    own = torch.arange(60)
    found = log_aggregate_blocks(
        z, diagonal_normal, in_memory(params), 60, own=own, tile=tile, tally=tally
    )
    for tallied, left in ((found.tallied, None), (found.tallied_loo, own)):
        shares, moments = truth(z, params, rows, left)
        torch.testing.assert_close(tallied.shares, shares[:queries], atol=2e-5, rtol=0)
        torch.testing.assert_close(tallied.moments, moments[:queries], atol=2e-4, rtol=0)


def test_without_own_components_both_are_of_all(case):
    params, z, rows, tally = case(30, 2, 1.0, 30)
    found = log_aggregate_blocks(z, diagonal_normal, in_memory(params), 30, tally=tally)
    torch.testing.assert_close(found.tallied.shares, found.tallied_loo.shares)
    torch.testing.assert_close(found.tallied.shares, truth(z, params, rows)[0], atol=1e-5, rtol=0)


def test_the_rest_of_the_density_is_untouched(case):
    params, z, _, tally = case(200, 4, 0.3, 50)
    own = torch.arange(200)
    plain = log_aggregate_blocks(z, diagonal_normal, in_memory(params), 200, own=own)
    found = log_aggregate_blocks(z, diagonal_normal, in_memory(params), 200, own=own, tally=tally)
    torch.testing.assert_close(found.log_qz, plain.log_qz, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.index_entropy, plain.index_entropy, atol=1e-5, rtol=0)


def test_components_that_are_skipped_do_not_matter(case):
    n, m = 9_000, 900
    params, z, rows, tally = case(n, 2, 0.01, m)
    own, z = torch.arange(m), z[:m]
    log_qz_x = Independent(Normal(params["loc"][:m], params["scale"][:m]), 1).log_prob(z).double()
    found = log_aggregate_blocks(
        z, diagonal_normal, in_memory(params), n, own=own, least=negligible(log_qz_x, n, 1e-6),
        tally=tally,
    )  # fmt: skip
    assert found.skipped > 0.5
    shares, _ = truth(z[:50], params, rows)
    torch.testing.assert_close(found.tallied.shares[:50], shares, atol=1e-4, rtol=0)


def test_the_exact_form_tallies_across_blocks(case):
    params, z, rows, tally = case(40, 2, 0.5, 25)
    own = torch.arange(40)

    def blocks(_):
        return in_memory(params)(9)

    found = exact_log_sums(z, diagonal_normal, blocks, own, tally).tallied
    shares, moments = truth(z, params, rows, own)
    torch.testing.assert_close(found.shares, shares[:25], atol=1e-12, rtol=0)
    torch.testing.assert_close(found.moments, moments[:25], atol=1e-12, rtol=0)


@pytest.mark.parametrize("waits", [True, False])
def test_a_reference_that_moves_takes_the_tally_with_it(waits):
    rows = torch.eye(2).repeat(2, 1)
    tally = Tally(rows=scipy.sparse.csr_array(rows.numpy()), moments=(1,), queries=1)
    running = RunningLogSum.empty(1, waits=waits, tally=tally)
    logs = [torch.tensor([[-300.0, -301.0, -299.0, -302.0]]), torch.tensor([[2.0, -3, 1, 0]])]
    for tile in logs:
        below = (tile.double() - running.reference[:, None]).float()
        running.add(below, torch.empty_like(below), rows)
    if not waits:  # such a step makes the query doubtful, and it is done again
        assert bool(running.doubtful)
        return
    shares = (torch.cat(logs, 1).double() * math.log(2)).softmax(1)
    found = running.tally.tallied(running.sum)
    wanted = torch.cat([rows, rows]).double()
    torch.testing.assert_close(found.shares, shares @ wanted, atol=1e-6, rtol=0)
    moments = torch.special.xlogy(shares, shares) @ wanted[:, 1:]
    torch.testing.assert_close(found.moments, moments, atol=1e-5, rtol=0)


class Exchange:
    """Values that a few threads hand each other, as processes do."""

    def __init__(self, size):
        self.barrier, self.given = threading.Barrier(size), {}
        self.rank = threading.local()

    def gathered(self, value):
        self.barrier.wait()
        self.given[self.rank.value] = value
        self.barrier.wait()
        return torch.stack([self.given[r] for r in sorted(self.given)])


def test_the_tally_of_shares_over_processes_is_that_of_all(case, monkeypatch):
    n, size = 50, 3
    params, z, rows, tally = case(n, 2, 0.7, 30)
    own, exchange = torch.arange(n), Exchange(size)
    monkeypatch.setattr(distributed, "broadcast", lambda x, _: exchange.gathered(x)[0])
    monkeypatch.setattr(distributed, "all_sum", lambda x, _: exchange.gathered(x).sum(0))
    monkeypatch.setattr(distributed, "all_max", lambda x, _: exchange.gathered(x).amax(0))

    def one(rank):
        exchange.rank.value = rank
        part = slice(rank * n // size, (rank + 1) * n // size)
        blocks = in_memory({k: v[part] for k, v in params.items()})

        def shifted(count):
            return ((part.start + start, some) for start, some in blocks(count))

        sums = exact_log_sums(z, diagonal_normal, shifted, own, tally)
        return distributed.combined(sums, Ranks(rank, size))

    with ThreadPoolExecutor(size) as threads:
        every = list(threads.map(one, range(size)))
    shares, moments = truth(z, params, rows, own)
    for found in every:
        near = {"atol": 1e-12, "rtol": 0}
        torch.testing.assert_close(found.tallied.shares, shares[:30], **near)
        torch.testing.assert_close(found.tallied.moments, moments[:30], **near)
