import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from genprobe.render.page.strips import strip


def decoded(images):
    head, _, content = strip(images).partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(content))))


@pytest.mark.parametrize(("side", "gap"), [(8, 1), (28, 2), (64, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_stand_beside_each_other_with_nothing_between(side, gap, channels):
    shape = (3, side, side - 1, channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    row = decoded(images)
    assert row.shape == (side, 3 * (side - 1) + 2 * gap, channels + 1)
    for i, image in enumerate(images):
        left = i * (side - 1 + gap)
        picture = row[:, left : left + side - 1]
        np.testing.assert_array_equal(picture[..., :channels], image)
        assert (picture[..., channels] == 255).all()
        assert (row[:, left + side - 1 : left + side - 1 + gap, channels] == 0).all()
