"""Rows of pictures as PNG images inside the page: data URIs."""

import base64
from io import BytesIO

import numpy as np

WANTED = 56
"""Small pictures are enlarged to about so many pixels, each pixel a sharp square."""
GAP = 6


def strip(images: np.ndarray) -> str:
    """Pictures (column, height, width, channel) beside each other, as a data URI.

    Args:
        images: uint8, of one channel or three.
    """
    from PIL import Image

    _, height, width, channels = images.shape
    factor = max(1, WANTED // max(height, width))
    large = images.repeat(factor, 1).repeat(factor, 2)
    opaque = np.concatenate([large, np.full_like(large[..., :1], 255)], -1)
    spaced = np.pad(opaque, ((0, 0), (0, 0), (0, GAP), (0, 0)))
    row = spaced.transpose(1, 0, 2, 3).reshape(height * factor, -1, channels + 1)[:, :-GAP]
    out = BytesIO()
    Image.fromarray(row, "LA" if channels == 1 else "RGBA").save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
