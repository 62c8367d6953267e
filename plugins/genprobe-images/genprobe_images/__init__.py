"""Distortions of images that people read, in genprobe: PSNR, SSIM, MS-SSIM, LPIPS, rFID, BD-rate.

Nothing here imports torchmetrics or scipy until it is used.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from genprobe import hookimpl

if TYPE_CHECKING:
    import click

    from genprobe_images.bjontegaard_rate import bd_rate as bd_rate
    from genprobe_images.sweeps import compare_sweeps as compare_sweeps

__all__ = ["bd_rate", "compare_sweeps"]

MODULES = {"bd_rate": "bjontegaard_rate", "compare_sweeps": "sweeps"}


def __getattr__(name: str) -> Any:
    """The functions for users, imported when they are asked for: they need torch."""
    if name in MODULES:
        return getattr(import_module(f"genprobe_images.{MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def genprobe_probes() -> Mapping[str, Callable[..., Any]]:
    """Numbers of every image."""
    from genprobe_images import networks, similarity

    return {
        "psnr": similarity.psnr,
        "ssim": similarity.ssim,
        "ms_ssim": similarity.ms_ssim,
        "lpips": networks.lpips,
        "rfid_features": networks.rfid_features,
    }


@hookimpl
def genprobe_estimators() -> Mapping[str, Callable[..., Any]]:
    """The rows of the report."""
    from genprobe_images import frechet, rows

    return {
        "psnr": rows.psnr,
        "psnr_of_mean_mse": rows.psnr_of_mean_mse,
        "ssim": rows.ssim,
        "ms_ssim": rows.ms_ssim,
        "lpips": rows.lpips,
        "rfid": frechet.rfid,
        "rfid_limit": frechet.rfid_limit,
    }


@hookimpl
def genprobe_add_commands(cli: "click.Group") -> None:
    """The command ``genprobe bd-rate``; what it needs is imported when it runs."""
    from genprobe_images.command import bd_rate_command

    cli.add_command(bd_rate_command)
