"""Evaluate the models that pythae saved: ``genprobe evaluate my_run/final_model``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genprobe import hookimpl

if TYPE_CHECKING:
    from genprobe.types import Loader


@hookimpl
def genprobe_loaders() -> "Sequence[Loader]":
    """Folders that pythae wrote."""
    from genprobe_pythae.loader import loader

    return [loader]
