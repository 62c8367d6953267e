import numpy as np
import pytest
import torch
from PIL import Image

from genprobe.datasets.images import channels_last, is_picture, layout, picture_array


@pytest.mark.parametrize(
    ("shape", "is_bytes", "last"),
    [
        ((8, 6, 3), True, True),
        ((8, 6, 1), True, True),
        ((8, 6, 4), True, True),
        ((8, 6, 3), False, False),
        ((3, 8, 6), True, False),
        ((3, 8, 3), True, False),
        ((8, 6, 2), True, False),
        ((8, 3), True, False),
        ((5, 8, 6, 3), True, False),
    ],
)
def test_only_images_of_bytes_have_their_channels_last(shape, is_bytes, last):
    assert channels_last(shape, is_bytes) is last


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 1), ("1", 1), ("RGB", 3), ("RGBA", 4), ("P", 3), ("F", 1)]
)
def test_pictures_have_their_channels_first(mode, channels):
    picture = Image.new("RGB", (5, 2)).convert(mode)
    assert is_picture(picture)
    assert picture_array(picture).shape == (channels, 2, 5)


def test_the_palette_and_the_bits_of_a_picture_are_resolved():
    picture = Image.new("RGB", (2, 1), (255, 0, 0)).convert("P")
    assert picture_array(picture)[:, 0, 0].tolist() == [255, 0, 0]
    picture = Image.new("1", (2, 1), 1)
    assert picture_array(picture).tolist() == [[[255, 255]]]


def test_nothing_else_is_a_picture():
    assert not any(is_picture(x) for x in (np.zeros((2, 2)), torch.zeros(2, 2), "a.png", None))


def test_channels_are_moved_before_height_and_width():
    x = torch.arange(2 * 5 * 6 * 3).reshape(2, 5, 6, 3)
    assert layout(x, True)[1, 2, 4, 0] == x[1, 4, 0, 2]
    assert layout(x, False) is x
