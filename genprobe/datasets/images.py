"""Images as arrays of torch's layout (channel, height, width), as torchvision's ToTensor has them.

Bytes (height, width, channel) of 1, 3 or 4 channels are turned; so are pictures of Pillow. Whatever
is floating point stays as it is.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

log = logging.getLogger("genprobe")

CHANNELS = (1, 3, 4)


def channels_last(shape: Sequence[int], is_bytes: bool) -> bool:
    """Whether an example of that shape is an image whose channels come last.

    Args:
        shape: of one example.
        is_bytes: whether its values are unsigned bytes.

    Example:
        >>> channels_last((32, 32, 3), True), channels_last((3, 32, 32), True)
        (True, False)
    """
    return is_bytes and len(shape) == 3 and shape[2] in CHANNELS and shape[0] not in CHANNELS


def is_picture(value: object) -> bool:
    """Whether a value is an image of Pillow, which need not be imported to know it."""
    return any(kind.__module__ == "PIL.Image" for kind in type(value).__mro__)


def picture_array(picture: Any) -> np.ndarray:
    """A picture of Pillow as (channel, height, width), its palette resolved.

    Args:
        picture: of any mode; black and white becomes bytes 0 and 255.
    """
    if picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    array = np.array(picture)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)


def state_turned(name: str, shape: Sequence[int]) -> None:
    """Say in the log that images were turned."""
    log.info(
        "%s holds images of bytes (height, width, channel) %s; they are turned to (channel, "
        "height, width). Give floating point to have them as they are.",
        name,
        tuple(shape),
    )


def layout(x: Tensor, turned: bool) -> Tensor:
    """An example, or examples, with the channels moved before height and width if so."""
    return x.movedim(-1, -3) if turned else x
