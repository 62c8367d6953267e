"""Reading a checkpoint of tensors and plain types; nothing else in it can run."""

from pathlib import Path
from typing import Any

import torch

from genprobe.errors import ModelError, reason_of
from genprobe.loaders.inspect import inspect_file


def read_tensors(path: Path) -> Any:
    """The content of a checkpoint, read with ``weights_only=True`` onto the CPU.

    Raises:
        ModelError: if it does not read so.

    Example:
        >>> from importlib.resources import as_file, files
        >>> with as_file(files("genprobe.demo") / "beta-0.9.pt") as path:
        ...     read_tensors(path)["name"]
        'beta-0.9'
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes make the unpickler raise almost anything
        raise ModelError(
            f"{path} does not read as a checkpoint of tensors: {why(path, error)}.",
            "Check the path, or save the weights again.",
        ) from error


def why(path: Path, error: Exception) -> str:
    """Why a file does not read: never in torch's words where those advise to run its code."""
    kind = inspect_file(path)
    if kind.foreign:
        return f"it would run code ({', '.join(kind.foreign[:3])})"
    if kind.kind == "unknown":
        return kind.detail
    if "weights_only" in str(error):
        return "it holds something else, or is damaged"
    return reason_of(error)
