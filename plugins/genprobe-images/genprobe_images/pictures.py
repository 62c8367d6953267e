"""Examples and what their codes decode to, as images in a range that is known.

A reconstruction is the mean of p(x|z) at a draw z ~ q(z|x), the very draws that the rate and the
distortion are of: so a model's PSNR lies on the same rate-distortion plane as its D. It is not the
image at the posterior mean, nor the mean image of several draws, both of which have a higher PSNR
than any image that the code sends. Where codes are points or tokens all of these agree.

Values lie in [0, 1], as bytes are read, or in the range that GENPROBE_IMAGES_RANGE declares, as in
``-1:1``. What a decoder gives beyond the range is set to its end, as a viewer would.
"""

import math
import os
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from genprobe.errors import UnavailableError, UsageError
from genprobe.probes import Calls

RANGE = "GENPROBE_IMAGES_RANGE"
LEAST_SQUARE = 64
"""The shortest row of h² values that is taken for an image."""

Limits = tuple[float, float]
"""Black and white."""


def image_shape(event_shape: Sequence[int]) -> tuple[int, int, int]:
    """Channels, height and width of an example.

    Images are (H, W), (1, H, W) and (3, H, W), and a row of h² values from 64 on, such as 784: what
    genprobe shows as pictures.

    Args:
        event_shape: of one example.

    Raises:
        UnavailableError: if it is no image.

    Example:
        >>> image_shape((784,)), image_shape((3, 32, 16))
        ((1, 28, 28), (3, 32, 16))
    """
    shape = tuple(event_shape)
    if len(shape) == 1 and math.isqrt(shape[0]) ** 2 == shape[0] >= LEAST_SQUARE:
        side = math.isqrt(shape[0])
        return 1, side, side
    channels, *rest = shape if len(shape) == 3 else (1, *shape)
    if len(rest) != 2 or channels not in (1, 3) or min(rest) < 2:
        raise UnavailableError(f"The examples are no images: their shape is {shape}.")
    return channels, rest[0], rest[1]


def declared_range() -> Limits:
    """Black and white, as GENPROBE_IMAGES_RANGE says; 0 and 1 by default.

    Raises:
        UsageError: if it says neither.
    """
    text = os.environ.get(RANGE, "0:1")
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low, high = 0.0, 0.0
    if not (math.isfinite(high - low) and low < high):
        raise UsageError(f"{RANGE} is {text!r}.", "Give black and white, such as -1:1 or 0:255.")
    return low, high


def require_range(x: Tensor, index: Tensor) -> Limits:
    """Black and white, if all values of the examples lie between.

    Args:
        x: (batch, *event).
        index: (batch,) positions of the examples in the data set.

    Raises:
        UnavailableError: naming the first example with a value outside.
        UsageError: if what is declared is no range.
    """
    low, high = declared_range()
    outside = ((x < low) | (x > high)).flatten(1)
    if outside.any():
        row = int(outside.any(1).nonzero()[0])
        value = float(x[row].flatten()[outside[row]][0])
        raise UnavailableError(
            f"The range of the images is not known: example {int(index[row])} has the value "
            f"{value:.6g}, outside {low:g} to {high:g}; {RANGE}=LOW:HIGH declares another."
        )
    return low, high


def reconstructed(calls: Calls, x: Tensor, z: Tensor) -> Iterator[tuple[int, slice, Tensor]]:
    """Draw, rows and images (rows, *event) of every batch, in the dtype of the decoder.

    Args:
        calls: of the model.
        x: (batch, *event).
        z: (draw, batch, *latent).

    Raises:
        UnavailableError: if there is no decoder, p(x|z) has no mean, or one of another shape.
    """
    if not calls.decodes:
        raise UnavailableError("The model has no decoder.")
    for draw, codes in enumerate(z):
        for start in range(0, len(x), calls.batch_size):
            rows = slice(start, start + calls.batch_size)
            where = torch.arange(len(x))[rows]
            try:
                mean = calls.decode(codes[rows], where).mean
            except NotImplementedError:
                raise UnavailableError("The likelihood has no mean to show as an image.") from None
            if mean.shape != x[rows].shape:
                shapes = f"{tuple(mean.shape[1:])}, not {tuple(x.shape[1:])}"
                raise UnavailableError(
                    f"The mean of p(x|z) is no image of x: its shape is {shapes}."
                )
            yield draw, rows, mean
