import base64
from io import BytesIO

import numpy as np
from PIL import Image

from genprobe.render.strips import GAP, WANTED, strip


def decoded(images):
    head, _, content = strip(images).partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(content))))


def test_small_pictures_become_sharp_squares_beside_each_other():
    images = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8, 1)
    factor = WANTED // 8
    row = decoded(images)
    assert row.shape == (8 * factor, 3 * 8 * factor + 2 * GAP, 2)
    for i in range(3):
        left = i * (8 * factor + GAP)
        picture = row[:, left : left + 8 * factor]
        expected = np.kron(images[i, :, :, 0], np.ones((factor, factor), np.uint8))
        np.testing.assert_array_equal(picture[..., 0], expected)
        assert (picture[..., 1] == 255).all()
        assert (row[:, left + 8 * factor : left + 8 * factor + GAP, 1] == 0).all()


def test_large_pictures_in_colour_stay_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decoded(images)[..., :3], images[0])
