import math

import pytest
import torch

from genprobe.aggregate import exact, exact_log_sums
from genprobe.families.diagonal_normal import diagonal_normal


def in_blocks(params, rows):
    n = len(next(iter(params.values())))
    return lambda most: (
        (i, {k: v[i : i + min(rows, most)] for k, v in params.items()})
        for i in range(0, n, min(rows, most))
    )


@pytest.mark.parametrize("rows", [1, 7, 100])
@pytest.mark.parametrize("pair_values", [5, 1 << 22])
def test_sums_are_the_pairs_written_out(posteriors, pairwise, monkeypatch, rows, pair_values):
    monkeypatch.setattr(exact, "PAIR_VALUES", pair_values)
    params, z = posteriors(30, (2, 3), 0.7)
    own = torch.arange(30)
    own[::3] = -1
    found = exact_log_sums(z, diagonal_normal, in_blocks(params, rows), own)
    pairs = pairwise(z, params)
    drawn = own >= 0
    torch.testing.assert_close(found.own[drawn], pairs.diagonal()[drawn])
    assert (found.own[~drawn] == -math.inf).all()
    pairs[drawn, own[drawn]] = -math.inf
    torch.testing.assert_close(found.others, pairs.logsumexp(1))
    torch.testing.assert_close(found.largest, pairs.amax(1))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (50, 40, 1 << 18), (1 << 19, 1 << 22, 13)])
def test_pairs_may_be_summed_a_few_at_a_time(posteriors, monkeypatch, sizes):
    params, z = posteriors(30, (2,), 0.7)
    own = torch.arange(30)
    whole = exact_log_sums(z, diagonal_normal, in_blocks(params, 100), own)
    for name, size in zip(("CACHED_VALUES", "PIECE_VALUES", "PIECE_PAIRS"), sizes, strict=True):
        monkeypatch.setattr(exact, name, size)
    found = exact_log_sums(z, diagonal_normal, in_blocks(params, 100), own)
    for name in ("others", "own", "largest", "entropy"):
        torch.testing.assert_close(getattr(found, name), getattr(whole, name))


def test_float32_inputs_are_worked_on_in_float64(pairwise):
    loc = 1000 + 1e-3 * torch.randn(20, 3)
    params = {"loc": loc, "scale": torch.full((20, 3), 1e-4)}
    found = exact_log_sums(loc, diagonal_normal, in_blocks(params, 20), torch.full((20,), -1))
    torch.testing.assert_close(found.others, pairwise(loc, params).logsumexp(1))
