"""A folder of PNG and JPEG images as data, ``images:FOLDER``, pixels scaled to [0, 1].

Every image of the folder and its subfolders, in the order of their paths, upright as its EXIF
orientation says. Grey if all of them are grey, (1, height, width), else colour, (3, height, width).
All must have one size, or one is given: ``images:FOLDER::64`` scales the largest centred square of
each, and ``images:FOLDER::256/224`` cuts the centre after the shorter side is scaled. Pixels are
read when they are needed; what stays in memory is where each image is.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from genprobe.datasets.find import find_folder
from genprobe.datasets.squares import Square, square_of
from genprobe.errors import DataError
from genprobe.runtime.untrusted import reading, require_readable
from genprobe.types import Dataset, DatasetReader

SUFFIXES = (".png", ".jpg", ".jpeg")
OPAQUE = 255
AGAIN = "Repair it or move it away."
FORMATS = ("PNG", "JPEG")
GREY = ("1", "L", "LA")
ALPHA = ("LA", "PA", "RGBA")
MODES = (*GREY, *ALPHA, "P", "RGB")
"""Modes of Pillow that mean at most three bytes a pixel and an alpha: no ink, no 16 bits."""
TURNED, SIDEWAYS = range(2, 9), range(5, 9)
"""EXIF orientations that turn or mirror an image, and of these those that swap its sides."""
log = logging.getLogger("genprobe")


class Picture(NamedTuple):
    """What is known of an image without its pixels.

    path: of the file.
    size: (width, height), upright.
    grey: whether it has no colour.
    alpha: whether it has an alpha channel, which is opaque.
    turned: whether its EXIF orientation turns or mirrors it.
    digest: SHA-256 of the file.
    """

    path: Path
    size: tuple[int, int]
    grey: bool
    alpha: bool
    turned: bool
    digest: str


def open_images(spec: str, split: str | None) -> Dataset:
    """The images of a folder; a split is a subfolder.

    Args:
        spec: ``FOLDER``, ``FOLDER::SIDE`` or ``FOLDER::SHORTER/SIDE``, and perhaps ``/FILTER``.
        split: name of a subfolder, or None for everything.

    Raises:
        DataError: if there is no folder or no image in it, if a file is no image that can be read,
            or if sizes differ and none is given.
    """
    location, _, size = spec.partition("::")
    folder = (find_folder(location) or Path(location).expanduser()).absolute() / (split or "")
    square = square_of(size) if size else None
    pictures = [look_at(path) for path in find_images(folder)]
    grey = all(picture.grey for picture in pictures)
    width, height = one_size(pictures) if square is None else (square.side, square.side)
    said = prepared(pictures, square, grey)
    log.info("%s: %d images, %s.", folder, len(pictures), said)

    def read(start: int, stop: int) -> Tensor:
        rows = [read_pixels(picture, grey, square) for picture in pictures[start:stop]]
        return torch.from_numpy(np.stack(rows)).float() / 255

    name = f"{folder.parent.name}-{split}" if split else folder.name
    shape = (1 if grey else 3, height, width)
    return Dataset(
        name=name if square is None else f"{name}::{square.name}",
        n=len(pictures),
        event_shape=torch.Size(shape),
        read=read,
        fingerprint=hash_of(pictures, (*shape, said)),
        preparation=said,
    )


def prepared(pictures: list[Picture], square: Square | None, grey: bool) -> str:
    """What is done to images before a model sees them, in words."""
    turned = sum(picture.turned for picture in pictures)
    alpha = sum(picture.alpha for picture in pictures)
    coloured = 0 if grey else sum(picture.grey for picture in pictures)
    enlarged = 0 if square is None else sum(square.enlarges(picture.size) for picture in pictures)
    return "; ".join(
        [
            "as they are" if square is None else square.words,
            *([f"{enlarged} of {len(pictures)} enlarged"] if enlarged else []),
            *([f"{turned} turned upright by EXIF"] if turned else []),
            *([f"{alpha} with an opaque alpha channel, left out"] if alpha else []),
            *([f"{coloured} grey, repeated in three channels"] if coloured else []),
        ]
    )


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
            # Asked of a PNG without one before its pixels, it would decode them all.
            exif = image.getexif() if "exif" in image.info else {}
            orientation = exif.get(ExifTags.Base.Orientation, 1)
            alpha = mode in ALPHA or "transparency" in image.info
            clear = alpha and mode in MODES and shows_through(image)
    if mode not in MODES or clear:
        kind = "transparency" if clear else f"the mode {mode}"
        raise DataError(
            f"{path} has {kind}; images are read with one or three channels of 8 bits.",
            "Convert it to RGB, choosing what lies behind it.",
        )
    upright = size[::-1] if orientation in SIDEWAYS else size
    return Picture(path, upright, mode in GREY, alpha, orientation in TURNED, digest)


def shows_through(image: Image.Image) -> bool:
    """Whether any pixel of an image is less than opaque."""
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    return bool(alpha.min() < OPAQUE)


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
                "Give the size of a square to crop and scale them to, images:FOLDER::64; or, to "
                "scale their shorter side first, images:FOLDER::256/224.",
            )
    return first.size


def read_pixels(picture: Picture, grey: bool, square: Square | None) -> np.ndarray:
    """Bytes (1 or 3, height, width) of an image, or of a square of it.

    Raises:
        DataError: if it does not decode, or has another size than when the folder was opened.
    """
    with (
        reading(picture.path, "an image", AGAIN, DataError),
        Image.open(picture.path, formats=FORMATS) as image,
    ):
        upright = ImageOps.exif_transpose(image) if picture.turned else image
        pixels = upright.convert("L" if grey else "RGB")
    if pixels.size != picture.size:
        raise DataError(f"{picture.path} has changed since it was opened.", "Run it again.")
    rows = np.asarray(pixels if square is None else square.of(pixels))
    return rows[None] if grey else np.moveaxis(rows, -1, 0)


def hash_of(pictures: list[Picture], read_to: tuple[int | str, ...]) -> str:
    """SHA-256 over the files' bytes in their order, and what they are read to."""
    digest = hashlib.sha256(str(read_to).encode())
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


image_folder = DatasetReader(scheme="images", recognises=recognises, open=open_images)
