r"""The rows of PSNR, SSIM, MS-SSIM and LPIPS: means over examples, each at draws of its code.

.. math::

    \frac1N \sum_n \mathbb E_{q(z|x_n)}[m(x_n, \hat x(z))], \qquad \hat x(z) = \mathbb E[x|z]

Their errors are those of D: ``se`` from the draws, for these very images, ``se_data`` with the
images as a sample of a population.
"""

import dataclasses
import math

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe import Estimate, estimator
from genprobe.errors import UnavailableError
from genprobe.estimators import mean_over_examples

SECTION = "Distortions people read"
Column = Float64[Tensor, "draw n"]
Which = Int64[Tensor, " n"]


@estimator(
    label="PSNR, mean over images",
    heading="PSNR, dB",
    section=SECTION,
    meaning="the mean over images of the PSNR of each, of the mean of p(x|z) at a draw of the code",
    unit="dB",
    better="larger",
)
def psnr(psnr: Column, which: Which | None = None) -> Estimate:
    """The mean over images of the PSNR of each, dB.

    The geometric mean of the squared errors decides, so that images that are nearly perfect count
    for much; ``psnr_of_mean_mse`` is what the mean squared error decides, and never larger.

    Args:
        psnr: (draw, n), dB.
        which: (n,) the distinct example that each is; None where all differ.

    Raises:
        UnavailableError: if an image is reproduced exactly: its PSNR is infinite, and the mean.
    """
    exact = int(psnr.isinf().any(0).sum())
    if exact:
        raise UnavailableError(
            f"The mean PSNR is infinite: {exact} of {psnr.shape[1]} images are reproduced exactly; "
            "psnr_of_mean_mse has a value."
        )
    return mean_over_examples("psnr", psnr, which=which, unit="dB")


@estimator(
    label="PSNR of the mean squared error",
    heading="PSNR (MSE)",
    section=SECTION,
    meaning="the PSNR of the squared error averaged over all images, never above the mean PSNR",
    unit="dB",
    better="larger",
)
def psnr_of_mean_mse(psnr: Column, which: Which | None = None) -> Estimate:
    """The PSNR of the mean squared error over all images, dB; its errors by the delta method.

    Args:
        psnr: (draw, n), dB.
        which: (n,) the distinct example that each is; None where all differ.

    Raises:
        UnavailableError: if every image is reproduced exactly.
    """
    error = mean_over_examples("psnr_of_mean_mse", torch.pow(10.0, -psnr / 10), which=which)
    if error.value == 0:
        raise UnavailableError("The PSNR is infinite: every image is reproduced exactly.")
    steep = 10 / math.log(10) / error.value
    return dataclasses.replace(
        error,
        value=-10 * math.log10(error.value),
        se=None if error.se is None else steep * error.se,
        se_data=None if error.se_data is None else steep * error.se_data,
        unit="dB",
    )


@estimator(
    label="SSIM",
    heading="SSIM",
    section=SECTION,
    meaning="the mean over images of the structural similarity, of 1 at most",
    unit="ratio",
    better="larger",
)
def ssim(ssim: Column, which: Which | None = None) -> Estimate:
    """The mean over images of SSIM.

    Args:
        ssim: (draw, n).
        which: (n,) the distinct example that each is; None where all differ.
    """
    return mean_over_examples("ssim", ssim, which=which, unit="ratio")


@estimator(
    label="MS-SSIM",
    heading="MS-SSIM",
    section=SECTION,
    meaning="the mean over images of the structural similarity at five scales, of 1 at most",
    unit="ratio",
    better="larger",
)
def ms_ssim(ms_ssim: Column, which: Which | None = None) -> Estimate:
    """The mean over images of MS-SSIM.

    Args:
        ms_ssim: (draw, n).
        which: (n,) the distinct example that each is; None where all differ.
    """
    return mean_over_examples("ms_ssim", ms_ssim, which=which, unit="ratio")


@estimator(
    label="LPIPS",
    heading="LPIPS",
    section=SECTION,
    meaning="the mean over images of the distance between features of a network that was given",
    unit="ratio",
    better="smaller",
)
def lpips(lpips: Column, which: Which | None = None) -> Estimate:
    """The mean over images of LPIPS.

    Args:
        lpips: (draw, n).
        which: (n,) the distinct example that each is; None where all differ.
    """
    return mean_over_examples("lpips", lpips, which=which, unit="ratio")
