import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from genprobe.render.page.heat_maps import DARK, LIGHT, MOST, heat_maps


def pixels(map):
    data = base64.b64decode(map.image.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def grid_report(rates):
    shape = rates.shape
    return SimpleNamespace(
        tokens=None,
        grid=SimpleNamespace(shape=shape, rate=tuple(rates.sum(0).flatten())),
        dimensions=[SimpleNamespace(rate=rate) for rate in rates.flatten()],
    )


def token_report(positions, shape):
    return SimpleNamespace(
        tokens=SimpleNamespace(positions=tuple(positions), shape=shape), grid=None, dimensions=[]
    )


def test_the_least_is_light_and_the_most_is_dark():
    rates = np.arange(2 * 3 * 4, dtype=float).reshape(2, 3, 4)
    whole, each = heat_maps(grid_report(rates))
    assert (whole.low, whole.high) == (12.0, 34.0)
    assert (each.low, each.high) == (0.0, 23.0)
    assert (whole.count, each.count, each.label) == (1, 2, "channels 0 to 1 of 2")
    shown = pixels(whole)
    assert shown.shape == (3, 4, 3)
    assert tuple(shown[0, 0]) == LIGHT
    assert tuple(shown[-1, -1]) == DARK
    assert pixels(each).shape[0] == 3


def test_many_channels_are_a_few_rows():
    maps = list(heat_maps(grid_report(np.random.default_rng(0).random((40, 2, 2)))))
    assert [m.label for m in maps] == ["", "channels 0 to 7 of 40", "channels 8 to 15 of 40"]
    assert sum(m.count for m in maps[1:]) == MOST


@pytest.mark.parametrize(("shape", "size"), [((6,), (1, 6)), ((2, 3), (2, 3)), ((1, 2, 3), (2, 3))])
def test_tokens_of_any_shape_have_a_map_of_their_entropy(shape, size):
    (map,) = heat_maps(token_report(np.arange(6.0), shape))
    assert pixels(map).shape[:2] == size


def test_equal_values_are_one_colour_and_unknown_ones_none():
    (map,) = heat_maps(token_report(np.ones(4), (2, 2)))
    assert {tuple(c) for c in pixels(map).reshape(-1, 3)} == {LIGHT}
    assert not list(heat_maps(token_report([], (2, 2))))
    assert not list(heat_maps(token_report([1.0], ())))
