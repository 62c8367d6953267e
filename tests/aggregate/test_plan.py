import pytest

from genprobe.aggregate.plan import plan_tile

FLOAT32 = 4


@pytest.mark.parametrize("queries", [1, 63, 1000, 10**6])
@pytest.mark.parametrize("width", [2, 128, 2**16, 2**21])
def test_a_tile_of_pairs_stays_within_four_mebibytes(queries, width):
    tile = plan_tile(queries, width)
    assert 1 <= tile.queries <= queries
    assert tile.components >= 1
    assert tile.queries * tile.components * FLOAT32 <= 4 * 2**20


def test_wide_latents_get_fewer_components():
    assert plan_tile(1000, 2**16).components < plan_tile(1000, 2).components
