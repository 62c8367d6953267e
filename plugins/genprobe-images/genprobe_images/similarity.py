r"""PSNR, SSIM and MS-SSIM of every image and draw, as torchmetrics computes them.

.. math::

    \mathrm{PSNR}(x, \hat x) = 10 \log_{10} \frac{L^2}{\frac1P \sum_i (x_i - \hat x_i)^2}

with L the range from black to white. SSIM has a Gaussian window of 11 × 11 (σ = 1.5), K = (0.01,
0.03), reflected edges, and is averaged over channels (Wang et al. 2004); MS-SSIM has five scales
with the weights of Wang et al. (2003), negative terms set to 0. All are as in torchmetrics, whose
version is in the provenance of the report.

PSNR is worked out in float64, the other two on the device and in the dtype of the run: of 256 × 256
pixels float64 takes 16 times as long on a CPU. float32 is off by some 1e-6, and by 5e-4 of images
that are flat and nearly reproduced.

The three probes share one pass of the decoder.
"""

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.probes import Calls, with_settings
from genprobe_images.pictures import (
    Limits,
    declared_range,
    image_shape,
    reconstructed,
    require_range,
)

WINDOW = 11
SCALES = 5
LEAST_SSIM = WINDOW // 2 + 1
LEAST_MS_SSIM = WINDOW * (SCALES - 1) ** 2
LEAST = {"psnr": 1, "ssim": LEAST_SSIM, "ms_ssim": LEAST_MS_SSIM}
"""Pixels that the shorter side must have."""

Metric = Callable[[Tensor, Tensor, Limits], Tensor]
"""Of images and originals (batch, channel, height, width): a value of each (batch,)."""

done: "WeakKeyDictionary[Calls, dict[str, Tensor]]" = WeakKeyDictionary()
"""What one of the probes found for the others. Calls are of one segment, and gone after it."""


def settings() -> Mapping[str, Any]:
    """What the numbers depend on besides the images."""
    import torchmetrics

    return {
        "library": f"torchmetrics {torchmetrics.__version__}",
        "range": list(declared_range()),
        "image": "mean of p(x|z) at z ~ q(z|x), clamped to the range, not rounded",
    }


def window_settings() -> Mapping[str, Any]:
    """The same of SSIM and MS-SSIM."""
    return {**settings(), "window": "Gaussian, 11 × 11, σ = 1.5, K = (0.01, 0.03)"}


@with_settings(settings)
def psnr(calls: Calls, x: Tensor, z: Tensor, index: Tensor) -> Tensor:
    """PSNR (draw, batch), dB; infinite where an image is reproduced exactly.

    Args:
        calls: of the model.
        x: (batch, *event).
        z: (draw, batch, *latent).
        index: (batch,) positions of the examples in the data set.

    Raises:
        UnavailableError: if there are no images, or not in a known range.
    """
    return measured("psnr", calls, x, z, index)


@with_settings(window_settings)
def ssim(calls: Calls, x: Tensor, z: Tensor, index: Tensor) -> Tensor:
    """SSIM (draw, batch); arguments and errors as of ``psnr``, and for images too small."""
    return measured("ssim", calls, x, z, index)


@with_settings(window_settings)
def ms_ssim(calls: Calls, x: Tensor, z: Tensor, index: Tensor) -> Tensor:
    """MS-SSIM (draw, batch); arguments and errors as of ``psnr``, and for images too small."""
    return measured("ms_ssim", calls, x, z, index)


def measured(name: str, calls: Calls, x: Tensor, z: Tensor, index: Tensor) -> Tensor:
    """One of the three (draw, batch), float64; the first to ask has all worked out.

    Raises:
        UnavailableError: if there are no images, not in a known range, or too small ones.
    """
    image = image_shape(x.shape[1:])
    limits = require_range(x, index)
    side = min(image[1:])
    if side < LEAST[name]:
        raise UnavailableError(
            f"The images are too small: {image[1]} × {image[2]}, and it takes sides of "
            f"{LEAST[name]} or more."
        )
    if calls not in done:
        named = {k: metric for k, metric in METRICS.items() if side >= LEAST[k]}
        done[calls] = every(named, calls, x, z, image, limits)
    return done[calls][name]


def every(
    metrics: Mapping[str, Metric],
    calls: Calls,
    x: Tensor,
    z: Tensor,
    image: tuple[int, int, int],
    limits: Limits,
) -> dict[str, Tensor]:
    """Every metric of every image and draw, (draw, batch) by name.

    Args:
        metrics: by name.
        calls: of the model.
        x: (batch, *event).
        z: (draw, batch, *latent).
        image: channels, height and width.
        limits: black and white.
    """
    found = {name: torch.empty(z.shape[:2], dtype=torch.float64) for name in metrics}
    for draw, rows, mean in reconstructed(calls, x, z):
        pair = [v.to(mean.dtype).reshape(-1, *image) for v in (mean, x[rows])]
        for name, metric in metrics.items():
            given = [v.double() if name == "psnr" else v.to(calls.device) for v in pair]
            found[name][draw, rows] = metric(given[0], given[1], limits).double().cpu()
    return found


def psnr_of_images(images: Tensor, originals: Tensor, limits: Limits) -> Tensor:
    """PSNR of each (batch,), dB."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    found: Tensor = peak_signal_noise_ratio(
        images, originals, data_range=limits, reduction="none", dim=(1, 2, 3)
    )
    return found


def ssim_of_images(images: Tensor, originals: Tensor, limits: Limits) -> Tensor:
    """SSIM of each (batch,)."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    found = structural_similarity_index_measure(
        images, originals, data_range=limits, reduction="none"
    )
    assert isinstance(found, Tensor)
    return found


def ms_ssim_of_images(images: Tensor, originals: Tensor, limits: Limits) -> Tensor:
    """MS-SSIM of each (batch,)."""
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    return multiscale_structural_similarity_index_measure(
        images, originals, data_range=limits, reduction="none"
    )


METRICS: Mapping[str, Metric] = {
    "psnr": psnr_of_images,
    "ssim": ssim_of_images,
    "ms_ssim": ms_ssim_of_images,
}
