"""A folder of PNG and JPEG images as data, ``images:FOLDER``, pixels scaled to [0, 1].

Every image of the folder and its subfolders, in the order of their paths. Grey if all of them are
grey, (1, height, width), else colour, (3, height, width). All must have one size, or one is given:
``images:FOLDER::64`` scales the largest centred square of each to 64 × 64. Pixels are read when
they are needed; what stays in memory is where each image is.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from genprobe.errors import DataError
from genprobe.loaders import reading, require_readable
from genprobe.types import Dataset, DatasetReader

SUFFIXES = (".png", ".jpg", ".jpeg")
OPAQUE = 255
AGAIN = "Repair it or move it away."
FORMATS = ("PNG", "JPEG")
GREY = ("1", "L", "LA")
ALPHA = ("LA", "PA", "RGBA")
MODES = (*GREY, *ALPHA, "P", "RGB")
"""Modes of Pillow that mean at most three bytes a pixel and an alpha: no ink, no 16 bits."""
log = logging.getLogger("genprobe")


class Picture(NamedTuple):
    """What is known of an image without its pixels.

    path: of the file.
    size: (width, height).
    grey: whether it has no colour.
    alpha: whether it has an alpha channel, which is opaque.
    digest: SHA-256 of the file.
    """

    path: Path
    size: tuple[int, int]
    grey: bool
    alpha: bool
    digest: str


def open_images(spec: str, split: str | None) -> Dataset:
    """The images of a folder; a split is a subfolder.

    Args:
        spec: ``FOLDER`` or ``FOLDER::PIXELS``.
        split: name of a subfolder, or None for everything.

    Raises:
        DataError: if there is no folder or no image in it, if a file is no image that can be read,
            or if sizes differ and none is given.
    """
    location, _, pixels = spec.partition("::")
    folder = Path(location).expanduser().absolute() / (split or "")
    side = require_pixels(pixels) if pixels else None
    pictures = [look_at(path) for path in find_images(folder)]
    grey = all(picture.grey for picture in pictures)
    if alpha := sum(picture.alpha for picture in pictures):
        log.warning(
            "%s: %d of %d images have an alpha channel, opaque throughout; it is left out.",
            folder,
            alpha,
            len(pictures),
        )
    width, height = (side, side) if side else one_size(pictures)

    def read(start: int, stop: int) -> Tensor:
        rows = [read_pixels(picture, grey, side) for picture in pictures[start:stop]]
        return torch.from_numpy(np.stack(rows)).float() / 255

    name = f"{folder.parent.name}-{split}" if split else folder.name
    shape = (1 if grey else 3, height, width)
    return Dataset(
        name=f"{name}::{side}" if side else name,
        n=len(pictures),
        event_shape=torch.Size(shape),
        read=read,
        fingerprint=hash_of(pictures, shape),
    )


def require_pixels(text: str) -> int:
    """The side of a square in pixels.

    Raises:
        DataError: if it is not a positive whole number.
    """
    if not (text.isdecimal() and int(text)):
        raise DataError(
            f"The size of images is a number of pixels, not {text!r}.", "Write FOLDER::64."
        )
    return int(text)


def find_images(folder: Path) -> list[Path]:
    """Every file below a folder but hidden ones, in the order of their paths.

    Raises:
        DataError: if there is none, or one is not named as a PNG or JPEG image.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder of images at {folder}.", "Check the path.")
    paths = sorted(visible_files(folder))
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{path} is not a PNG or JPEG image.",
                "Move it away, or name a folder that holds nothing but images.",
            )
    if not paths:
        raise DataError(f"The folder {folder} holds no PNG or JPEG image.", "Check the path.")
    return paths


def visible_files(folder: Path) -> Iterator[Path]:
    """Files below a folder, passing over names that start with a dot."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in files if not name.startswith("."))


def look_at(path: Path) -> Picture:
    """What an image's header says, and a hash of its bytes.

    Raises:
        DataError: if it is no PNG or JPEG image, shows what lies behind it, or has inks or 16
            bits.
    """
    require_readable(path, "image", error=DataError)
    with reading(path, "an image", AGAIN, DataError), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        with Image.open(file, formats=FORMATS) as image:
            mode, size = image.mode, image.size
            alpha = mode in ALPHA or "transparency" in image.info
            clear = alpha and mode in MODES and shows_through(image)
    if mode not in MODES or clear:
        kind = "transparency" if clear else f"the mode {mode}"
        raise DataError(
            f"{path} has {kind}; images are read with one or three channels of 8 bits.",
            "Convert it to RGB, choosing what lies behind it.",
        )
    return Picture(path, size, mode in GREY, alpha, digest)


def shows_through(image: Image.Image) -> bool:
    """Whether any pixel of an image is less than opaque."""
    least, _ = image.convert("RGBA").getchannel("A").getextrema()
    return bool(least < OPAQUE)


def one_size(pictures: list[Picture]) -> tuple[int, int]:
    """The (width, height) that all images have.

    Raises:
        DataError: naming the first that has another than the first image.
    """
    first = pictures[0]
    for picture in pictures:
        if picture.size != first.size:
            sizes = [" × ".join(map(str, p.size)) for p in (first, picture)]
            raise DataError(
                f"Images differ in size: {first.path} has {sizes[0]} pixels, {picture.path} "
                f"{sizes[1]}.",
                "Give the size of a square to scale and crop them to: images:FOLDER::64.",
            )
    return first.size


def read_pixels(picture: Picture, grey: bool, side: int | None) -> np.ndarray:
    """Bytes (1 or 3, height, width) of an image, or of its centre scaled to a square.

    Raises:
        DataError: if it does not decode, or has another size than when the folder was opened.
    """
    with (
        reading(picture.path, "an image", AGAIN, DataError),
        Image.open(picture.path, formats=FORMATS) as image,
    ):
        pixels = image.convert("L" if grey else "RGB")
    if pixels.size != picture.size:
        raise DataError(f"{picture.path} has changed since it was opened.", "Run it again.")
    rows = np.asarray(square(pixels, side) if side else pixels)
    return rows[None] if grey else np.moveaxis(rows, -1, 0)


def square(image: Image.Image, side: int) -> Image.Image:
    """The largest centred square of an image, scaled; what is cut off does not shine through."""
    width, height = image.size
    length = min(width, height)
    left, top = (width - length) // 2, (height - length) // 2
    centre = image.crop((left, top, left + length, top + length))
    return centre.resize((side, side), Image.Resampling.BICUBIC)


def hash_of(pictures: list[Picture], shape: tuple[int, ...]) -> str:
    """SHA-256 over the files' bytes in their order, and the shape that they are read to."""
    digest = hashlib.sha256(str(shape).encode())
    for picture in pictures:
        digest.update(picture.digest.encode())
    return digest.hexdigest()


def recognises(path: Path) -> bool:
    """Whether a folder has an image at its top."""
    folder = Path(str(path).partition("::")[0])
    if not folder.is_dir():
        return False
    with os.scandir(folder) as entries:
        return any(entry.name.lower().endswith(SUFFIXES) for entry in entries)


images = DatasetReader(scheme="images", recognises=recognises, open=open_images)
