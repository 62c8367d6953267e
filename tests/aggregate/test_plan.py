import pytest

from genprobe.aggregate import plan
from genprobe.aggregate.plan import Tile, last_cache_bytes, plan_tile

FLOAT32 = 4


@pytest.mark.parametrize("queries", [1, 63, 1000, 10**6])
@pytest.mark.parametrize("values", [1, 64, 2**15, 2**21])
def test_a_tile_of_pairs_stays_small(queries, values):
    tile = plan_tile(queries, values)
    assert 1 <= tile.queries <= queries
    assert 1 <= tile.components <= tile.block
    assert tile.queries * tile.components * FLOAT32 <= 32 * 2**20


@pytest.mark.parametrize(("cache", "queries"), [(0, 2048), (4 << 20, 1024), (1 << 30, 2048)])
def test_the_pairs_of_narrow_latents_stay_in_the_last_cache(monkeypatch, cache, queries):
    monkeypatch.setattr(plan, "last_cache_bytes", lambda: cache)
    assert plan_tile(10**6, 10)[:2] == (queries, 512)


@pytest.mark.parametrize("queries", [300, 1000, 1500])
def test_fewer_queries_meet_more_components_at_a_time(monkeypatch, queries):
    monkeypatch.setattr(plan, "last_cache_bytes", lambda: 0)
    few = plan_tile(queries, 10)
    assert few.queries == queries
    assert 512 < few.components <= min(2048, (1 << 20) // queries)


def test_the_size_of_the_cache_is_known_or_zero():
    assert last_cache_bytes() >= 0


def test_wide_latents_get_fewer_components_at_a_time():
    assert plan_tile(1000, 2**16).block < plan_tile(1000, 2).block


@pytest.mark.parametrize("values", [1, 64, 16384, 2**17])
def test_the_statistics_of_a_tiles_queries_stay_within_bounds(values):
    queries = plan_tile(10**6, values).queries
    assert queries == 128 or queries * values <= plan.BLOCK_VALUES


def test_a_smaller_tile_is_half_and_never_nothing():
    assert Tile(10, 5, 3).smaller() == Tile(5, 2, 1)
    assert Tile(1, 1, 1).smaller() == Tile(1, 1, 1)
