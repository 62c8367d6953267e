"""Reading a checkpoint of tensors and plain types; nothing else in it can run."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from genprobe.errors import ModelError


def read_tensors(path: Path) -> Any:
    """The content of a checkpoint, read with ``weights_only=True`` onto the CPU.

    Raises:
        ModelError: if it does not read so.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path} does not read as a checkpoint of tensors: {first}") from error
