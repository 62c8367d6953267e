import threading

import pytest
import torch

from genprobe.aggregate import reduction
from genprobe.aggregate.reduction import LONG, choose, compiled, in_one, plain
from genprobe.runtime.outer_threads import outer_threads, share_out

EACH = pytest.mark.parametrize("reduce", [plain, in_one])


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_tile_is_summed_row_by_row(reduce, dtype):
    pairs = 5 * torch.randn(7, 100, dtype=dtype)
    total, top, moment = reduce(pairs.clone(), torch.empty_like(pairs))
    exact = pairs.double()
    torch.testing.assert_close(total.double(), exact.exp2().sum(1), rtol=1e-5, atol=0)
    torch.testing.assert_close(top.double(), exact.exp2().amax(1), rtol=1e-6, atol=0)
    expected = (exact.exp2() * exact).sum(1)
    torch.testing.assert_close(moment.double(), expected, rtol=1e-4, atol=1e-3)


@EACH
def test_what_underflows_or_is_no_pair_adds_nothing(reduce):
    pairs = torch.tensor([[0.0, -1e6, -torch.inf, -140.0]])
    total, top, moment = reduce(pairs, torch.empty_like(pairs))
    assert (total.item(), top.item()) == (1.0, 1.0)
    assert moment.abs().item() < 1e-30


def test_short_passes_are_not_compiled(monkeypatch):
    monkeypatch.setattr(reduction, "compiled", lambda: in_one)
    assert choose(LONG / 2) is plain
    assert choose(2 * LONG) is in_one


def test_without_a_compiler_the_plain_way_is_taken(monkeypatch, caplog):
    def fail(*arguments, **options):
        raise RuntimeError("No working C++ compiler\nand much more")

    compiled.cache_clear()
    monkeypatch.setattr(torch, "compile", fail)
    with caplog.at_level("INFO", logger="genprobe"):
        assert compiled() is plain
    compiled.cache_clear()
    assert "not compiled: No working C++ compiler" in caplog.text


def test_a_compiled_sum_works_in_several_threads_at_once(set_threads):
    set_threads(2)
    compiled.cache_clear()
    reduce = compiled()
    tiles = [5 * torch.randn(6 + i % 3, 100 + 7 * i) for i in range(20)]
    gate = threading.Barrier(2, timeout=60)

    def one(tile):
        gate.wait()  # so that both threads are at it
        return reduce(tile.clone(), torch.empty_like(tile))

    with torch.no_grad(), outer_threads():
        found = share_out(one, tiles)
    for tile, sums in zip(tiles, found, strict=True):
        for here, there in zip(sums, plain(tile.clone(), torch.empty_like(tile)), strict=True):
            torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-3)
