"""Autoencoders of diffusers for genprobe.

``genprobe evaluate FOLDER --data images:FOLDER`` needs nothing from here. The two functions are for
Python, and for ``--factory``: they choose how the decoder's image is read as a likelihood.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genprobe import Model

__all__ = ["laplace", "optimal_normal"]


def optimal_normal(path: str | Path) -> "Model":
    """The autoencoder of a folder, its pixels normal with the one scale that suits the data best.

    Args:
        path: a folder that diffusers saved, or ``ORG/NAME`` of the hub.

    Raises:
        ModelError: if it holds no autoencoder that this plugin reads.
    """
    from genprobe_diffusers.loader import load
    from genprobe_diffusers.pixels import OPTIMAL_NORMAL

    return load(Path(path), OPTIMAL_NORMAL)


def laplace(path: str | Path) -> "Model":
    """The autoencoder of a folder, its pixels Laplace: −log p(x|z) is the L1 term of its loss.

    Args:
        path: a folder that diffusers saved, or ``ORG/NAME`` of the hub.

    Raises:
        ModelError: if it holds no autoencoder that this plugin reads.
    """
    from genprobe_diffusers.loader import load
    from genprobe_diffusers.pixels import LAPLACE

    return load(Path(path), LAPLACE)
