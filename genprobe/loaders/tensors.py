"""Reading a checkpoint of tensors and plain types; nothing else in it can run."""

import contextlib
import logging
from pathlib import Path
from typing import Any

from genprobe.errors import ModelError
from genprobe.loaders.inspect import inspect_file
from genprobe.loaders.safetensors import INDEX, read_safetensors, read_shards, weights_in
from genprobe.loaders.stand_ins import read_with_stand_ins, replaced
from genprobe.loaders.state_dicts import printable
from genprobe.runtime import untrusted
from genprobe.runtime.torch_file import load_tensors
from genprobe.runtime.untrusted import require_readable

log = logging.getLogger("genprobe")


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
    require_readable(path, "checkpoint", error=ModelError)
    try:
        return load_tensors(path)
    except Exception as error:  # damaged bytes make the unpickler raise almost anything
        raise ModelError(
            f"{path} does not read as a checkpoint of tensors: {why(path, error)}.",
            "Check the path, or save the weights again.",
        ) from error


def read_weights(path: Path) -> Any:
    """The content of weights as people have them; nothing in them runs.

    Args:
        path: of a checkpoint of torch, also one with other objects in it; of a file of safetensors;
            of the index of shards; or of a folder with one of these.

    Raises:
        ModelError: if it does not read so.

    Example:
        >>> import tempfile, torch
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save({"weight": torch.ones(2)}, f"{folder}/model.pt")
        ...     read_weights(Path(folder))
        {'weight': tensor([1., 1.])}
    """
    if path.is_dir():
        return read_weights(weights_in(path))
    if path.name.endswith(INDEX):
        return read_shards(path, read_weights)
    kind = inspect_file(path)
    if kind.kind == "safetensors":
        return read_safetensors(path)
    if kind.kind == "tensors":
        with contextlib.suppress(ModelError):  # as for a protocol that weights_only does not read
            return read_tensors(path)
    elif kind.kind != "pickle":
        return read_tensors(path)
    content = read_with_stand_ins(path)
    if names := replaced(kind.foreign):
        log.info("%s: left out what is no tensor: %s.", path, ", ".join(map(printable, names[:3])))
    return content


def why(path: Path, error: Exception) -> str:
    """Why a file does not read: never in torch's words where those advise to run its code."""
    kind = inspect_file(path)
    if kind.foreign:
        return f"it would run code ({', '.join(kind.foreign[:3])})"
    if kind.kind == "unknown":
        return kind.detail
    return untrusted.why(error)
