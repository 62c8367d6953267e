"""The hook: loaders of autoencoders and of unconditional pipelines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genprobe import hookimpl

if TYPE_CHECKING:
    from genprobe.types import Loader


@hookimpl
def genprobe_loaders() -> "Sequence[Loader]":
    """Folders that diffusers saved an autoencoder to, or an unconditional pipeline."""
    from genprobe_diffusers.loader import diffusers
    from genprobe_diffusers.pipelines import pipelines

    return [diffusers, pipelines]
