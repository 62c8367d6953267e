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
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes make the unpickler raise almost anything
        code = inspect_file(path).foreign
        reason = f"it would run code ({', '.join(code[:3])})" if code else first_line(error)
        raise ModelError(
            f"{path} does not read as a checkpoint of tensors: {reason}.",
            "Check the path, or save the weights again.",
        ) from error


def first_line(error: Exception) -> str:
    """What an exception says, to be quoted within a sentence."""
    return reason_of(error).rstrip(".")
