"""Rows of pictures as PNG images inside the page: data URIs, which the page enlarges."""

import base64
from io import BytesIO

import numpy as np

SHARP = 20
"""Up to so many pixels high, each pixel is shown as a square; larger pictures are smoothed."""


def strip(images: np.ndarray) -> str:
    """Pictures (column, height, width, channel) beside each other, as a data URI.

    Args:
        images: uint8, of one channel or three.
    """
    from PIL import Image

    gap = max(1, images.shape[1] // 12)
    opaque = np.concatenate([images, np.full_like(images[..., :1], 255)], -1)
    spaced = np.pad(opaque, ((0, 0), (0, 0), (0, gap), (0, 0)))
    row = spaced.swapaxes(0, 1).reshape(images.shape[1], -1, spaced.shape[-1])[:, :-gap]
    out = BytesIO()
    Image.fromarray(row, "LA" if images.shape[-1] == 1 else "RGBA").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
