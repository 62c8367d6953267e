"""The engine on an accelerator: the same figures, and no more waiting for more components."""

import pytest
import torch

from genprobe.aggregate import log_aggregate

FIELDS = ("log_qz", "log_qz_loo", "largest_share", "index_entropy")


def case(n, m=200, k=3, spread=1.0):
    loc, scale = torch.randn(n, k) * spread, torch.rand(n, k) * 0.2 + 0.1
    own = torch.arange(m) % n
    z = loc[own] + scale[own] * torch.randn(m, k)
    return z, {"loc": loc, "scale": scale}, own


@pytest.mark.parametrize("skip", [0.0, 1e-6])
@pytest.mark.parametrize("spread", [1.0, 1e4])
def test_it_finds_what_the_cpu_finds(device, skip, spread):
    z, params, own = case(9000, 1000, spread=spread)
    cpu = log_aggregate(z, "diagonal-normal", params, own=own, skip=skip)
    found = log_aggregate(z, "diagonal-normal", params, own=own, skip=skip, device=device)
    left_out = found.skipped > 0
    names = [name for name in FIELDS if not left_out or name != "log_qz_loo"]
    for name in names:
        torch.testing.assert_close(getattr(found, name), getattr(cpu, name), rtol=0, atol=1e-6)
    if left_out:  # a lower bound, however much it was
        whole = log_aggregate(z, "diagonal-normal", params, own=own).log_qz_loo
        assert (found.log_qz_loo <= whole + 1e-6 * whole.abs().clamp(min=1.0)).all()


def test_queries_whose_first_tile_misleads_are_done_again(device):
    """Near no component of the first tile, so that the first reference is far too low."""
    loc = torch.cat([torch.full((4096, 1), 1e3), torch.zeros(4, 1)])
    params = {"loc": loc, "scale": torch.ones(4100, 1)}
    z = torch.linspace(-1, 1, 50)[:, None]
    cpu = log_aggregate(z, "diagonal-normal", params)
    found = log_aggregate(z, "diagonal-normal", params, device=device)
    torch.testing.assert_close(found.log_qz, cpu.log_qz, rtol=0, atol=1e-6)


@pytest.mark.parametrize("tile", [(100, 256), (50, 512)])
def test_it_does_not_wait_for_tiles(device, pretend, tile):
    def waits(n):
        z, params, own = case(n)
        with pretend.counting() as counts:
            log_aggregate(z, "diagonal-normal", params, own=own, tile=tile, device=device)
        return counts

    few, many = waits(2000), waits(16_000)
    assert many.operations["aten::mm"] >= 7 * few.operations["aten::mm"]
    assert few.synchronisations.total() == many.synchronisations.total()
    assert many.largest < 16_000 * 8  # no column of all components but a number or two of each
