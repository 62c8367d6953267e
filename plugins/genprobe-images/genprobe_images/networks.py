"""What networks that the user gives make of images: LPIPS, and the features of rFID.

Nothing is downloaded. A network is an exported program (.pt2), of which nothing runs but tensor
operations; a TorchScript archive holds code, and is loaded only with GENPROBE_IMAGES_TRUST=1.

    GENPROBE_IMAGES_INCEPTION   (batch, 3, H, W) in [0, 1] to features (batch, F), float32
    GENPROBE_IMAGES_LPIPS       (batch, 6, H, W) in [−1, 1], image and original, to (batch,)
    GENPROBE_IMAGES_RESIZE      the side that images are resized to before rFID's network

For rFID images are rounded to 8 bits, as files are, and resized, if at all, with antialiasing
(Parmar et al. 2022). There is no crop. LPIPS takes the images as they are. Grey images are repeated
in three channels.
"""

import functools
import hashlib
import os
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genprobe.errors import ModelError, UnavailableError, UntrustedError, UsageError, reason_of
from genprobe.loaders import read_program, require_readable
from genprobe.probes import Calls, with_settings
from genprobe_images.pictures import (
    Limits,
    declared_range,
    image_shape,
    reconstructed,
    require_range,
)

INCEPTION = "GENPROBE_IMAGES_INCEPTION"
LPIPS = "GENPROBE_IMAGES_LPIPS"
RESIZE = "GENPROBE_IMAGES_RESIZE"
TRUST = "GENPROBE_IMAGES_TRUST"
HOW = "The README of genprobe-images says how to export a network."


def rfid_settings() -> Mapping[str, Any]:
    """What the features depend on besides the images."""
    side = resized_side()
    return {
        **about(INCEPTION),
        "range": list(declared_range()),
        "image": "mean of p(x|z) at the first z ~ q(z|x), clamped, rounded to 8 bits",
        "reference": "the originals of the same examples, rounded to 8 bits",
        "crop": "none",
        "resize": "none" if side is None else f"bicubic with antialiasing to {side} × {side}",
    }


def lpips_settings() -> Mapping[str, Any]:
    """What LPIPS depends on besides the images."""
    return {
        **about(LPIPS),
        "range": list(declared_range()),
        "image": "mean of p(x|z) at z ~ q(z|x), clamped to the range, not rounded",
        "crop": "none",
        "resize": "none",
    }


@with_settings(rfid_settings)
def rfid_features(calls: Calls, x: Tensor, z: Tensor, index: Tensor) -> Tensor:
    """Features of originals and of images at their first draw, (2 F, batch), in this order.

    Args:
        calls: of the model.
        x: (batch, *event).
        z: (draw, batch, *latent).
        index: (batch,) positions of the examples in the data set.

    Raises:
        UnavailableError: if no network is given, or there are no images in a known range.
        ModelError: if the network does not load, or fails.
    """
    network = given(INCEPTION, "rFID", calls.device)
    image, limits = image_shape(x.shape[1:]), require_range(x, index)
    found = []
    for _, rows, mean in reconstructed(calls, x, z[:1]):
        pair = [as_files(v.reshape(-1, *image), limits) for v in (x[rows], mean)]
        made = [call(network, INCEPTION, resized(v).to(calls.device)) for v in pair]
        found.append(torch.cat([features(v, len(mean)) for v in made], 1))
    return torch.cat(found).T.contiguous()


@with_settings(lpips_settings)
def lpips(calls: Calls, x: Tensor, z: Tensor, index: Tensor) -> Tensor:
    """LPIPS (draw, batch); arguments and errors as of ``rfid_features``."""
    network = given(LPIPS, "LPIPS", calls.device)
    image, limits = image_shape(x.shape[1:]), require_range(x, index)
    found = torch.empty(z.shape[:2], dtype=torch.float64)
    for draw, rows, mean in reconstructed(calls, x, z):
        pair = [2 * unit(v.reshape(-1, *image), limits) - 1 for v in (mean, x[rows])]
        distance = call(network, LPIPS, torch.cat(pair, 1).to(calls.device))
        if distance.numel() != len(mean):
            raise ModelError(f"The network of {LPIPS} gives no single number an image.", HOW)
        found[draw, rows] = distance.flatten().double().cpu()
    return found


def unit(images: Tensor, limits: Limits) -> Tensor:
    """Images (batch, 3, height, width) in [0, 1], float32."""
    low, high = limits
    values = ((images.double() - low) / (high - low)).clamp(0, 1).float()
    return values.expand(-1, 3, -1, -1)


def as_files(images: Tensor, limits: Limits) -> Tensor:
    """The same, rounded to the 256 levels of a file."""
    return (unit(images, limits) * 255).round() / 255


def resized_side() -> int | None:
    """The side that images are resized to for rFID; None for as they are.

    Raises:
        UsageError: if it is no number of pixels.
    """
    text = os.environ.get(RESIZE, "")
    if text and not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"{RESIZE} is {text!r}.", "Give the side in pixels, such as 299.")
    return int(text) if text else None


def resized(images: Tensor) -> Tensor:
    """Images at the side that is asked for, bicubic with antialiasing, in [0, 1]."""
    side = resized_side()
    if side is None:
        return images
    found = nn.functional.interpolate(images, (side, side), mode="bicubic", antialias=True)
    return found.clamp(0, 1)


def features(made: Tensor, count: int) -> Tensor:
    """Features (batch, F) on the CPU, float32.

    Raises:
        ModelError: if they are not one row an image.
    """
    if len(made) != count:
        raise ModelError(f"The network of {INCEPTION} gives no row of features an image.", HOW)
    return made.reshape(count, -1).float().cpu()


def call(network: nn.Module, name: str, images: Tensor) -> Tensor:
    """What a network makes of images.

    Raises:
        ModelError: if it fails, or returns no tensor.
    """
    if len(images) == 1:  # which an exported program may hold for another kind of input
        return call(network, name, images.repeat(2, 1, 1, 1))[:1]
    try:
        with torch.inference_mode():
            made = network(images)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ModelError(
            f"The network of {name} fails on images {tuple(images.shape)}: {reason_of(error)}.", HOW
        ) from error
    found = made[0] if isinstance(made, tuple | list) else made
    if not isinstance(found, Tensor):
        raise ModelError(f"The network of {name} returns no tensor.", HOW)
    return found


def given(variable: str, what: str, device: torch.device) -> nn.Module:
    """The network that an environment variable names, on a device.

    Raises:
        UnavailableError: if it names none.
        ModelError: if the file does not load.
        UntrustedError: if it holds code and is not trusted.
    """
    path = os.environ.get(variable)
    if not path:
        raise UnavailableError(
            f"{what} needs the weights of a network: {variable} names none. A finished store has "
            "to be encoded again for it, with --fresh."
        )
    return loaded(Path(path), os.environ.get(TRUST) == "1").to(device)


@functools.cache
def loaded(path: Path, trust: bool) -> nn.Module:
    """A network from its file, in evaluation mode; read once a process.

    Args:
        path: of the file.
        trust: whether code in it may run.

    Raises:
        ModelError: if it does not load.
        UntrustedError: if it holds code and is not trusted.
    """
    require_readable(path, "network", error=ModelError)
    try:
        return read_program(path).eval()
    except ModelError as error:
        if not is_torchscript(path):
            raise ModelError(error.what, HOW) from error
    if not trust:
        raise UntrustedError(
            f"{path} is a TorchScript archive: loading it would run code in it.",
            f"Export it as a program (.pt2), or say that it may with {TRUST}=1.",
        )
    try:
        with warnings.catch_warnings():
            # The archive is there whatever torch has deprecated since.
            warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
            return torch.jit.load(path, map_location="cpu").eval()  # type: ignore[no-untyped-call,no-any-return]
    except Exception as error:  # damaged code makes the compiler raise almost anything
        raise ModelError(f"{path} does not load: {reason_of(error)}.", HOW) from error


def is_torchscript(path: Path) -> bool:
    """Whether a file is a zip archive with TorchScript code."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def about(variable: str) -> dict[str, str]:
    """Which network it is: the name and the hash of its file, and what runs it."""
    path = Path(os.environ.get(variable, ""))
    return {"network": path.name, "sha256": sha256(path), "library": f"torch {torch.__version__}"}


@functools.cache
def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
