import logging

import pytest
import torch

from genprobe.aggregate import log_aggregate, tiles
from genprobe.aggregate.plan import Tile
from genprobe.aggregate.retry import retry_with_smaller_tiles
from genprobe.errors import GenprobeError
from genprobe.families.diagonal_normal import diagonal_normal

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory."),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_tiles_shrink_until_they_fit(error, caplog):
    tried = []

    def work(tile):
        tried.append(tile)
        if tile.queries > 20:
            raise error
        return "done"

    assert retry_with_smaller_tiles(Tile(100, 64, 1000), work) == "done"
    assert tried == [Tile(100, 64, 1000), Tile(50, 32, 500), Tile(25, 16, 250), Tile(12, 8, 125)]
    assert "going on with tiles of 12 queries and 8 components" in caplog.text


def test_where_nothing_fits_it_says_so():
    def work(tile):
        raise MemoryError

    with pytest.raises(GenprobeError, match="not enough memory"):
        retry_with_smaller_tiles(Tile(4, 4, 4), work)


def test_other_errors_pass():
    def work(tile):
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        retry_with_smaller_tiles(Tile(4, 4, 4), work)


def test_the_engine_goes_on_after_running_out(posteriors, mixture_log_prob, monkeypatch, caplog):
    params, z = posteriors(300, (4,))
    real, failed = tiles.Pass._scratch, []

    def scratch(self, dtype, queries, components):
        if self.tile.queries > 40:
            failed.append(self.tile)
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return real(self, dtype, queries, components)

    monkeypatch.setattr(tiles.Pass, "_scratch", scratch)
    with caplog.at_level(logging.WARNING):
        found = log_aggregate(z, diagonal_normal, params, tile=(128, 64))
    assert failed
    torch.testing.assert_close(found.log_qz, mixture_log_prob(z, params), atol=1e-3, rtol=0)
    assert "Out of memory" in caplog.text
