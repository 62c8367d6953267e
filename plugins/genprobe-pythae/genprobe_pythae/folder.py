"""What pythae writes into a folder, read so that nothing in it runs unless the user trusts it.

``model_config.json`` says the kind of model and its settings, ``model.pt`` holds the weights. Where
the user gave networks of their own, ``encoder.pkl`` and ``decoder.pkl`` are pickles of the whole
module with its code.
"""

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genprobe.errors import ModelError, UntrustedError, reason_of
from genprobe.loaders import read_tensors, reading

CONFIG = "model_config.json"
WEIGHTS = "model.pt"
CHECKPOINT = "checkpoint_epoch_"
SETTINGS = {"name", "input_dim", "latent_dim", "uses_default_encoder", "uses_default_decoder"}
"""What every configuration of pythae has, and little else has all of."""


def find_folder(path: Path) -> Path:
    """The folder of the model itself, where a path names that of a whole training run.

    That is ``final_model``, and of a run that did not come to its end the newest checkpoint that is
    whole.
    """
    inside = path / "final_model"
    if (path / CONFIG).exists():
        return path
    if inside.is_dir():
        return inside
    whole = {
        epoch: folder
        for folder in path.glob(f"{CHECKPOINT}*")
        if (epoch := epoch_of(folder)) is not None
        and all((folder / name).is_file() for name in (CONFIG, WEIGHTS))
    }
    return whole[max(whole)] if whole else path


def epoch_of(folder: Path) -> int | None:
    """The epoch of a checkpoint's folder; None of any other.

    >>> epoch_of(Path("run/checkpoint_epoch_20")), epoch_of(Path("run/final_model"))
    (20, None)
    """
    digits = folder.name.removeprefix(CHECKPOINT)
    return int(digits) if digits != folder.name and digits.isdecimal() else None


def recognises(path: Path) -> bool:
    """Whether a folder holds a configuration that pythae wrote, or is a run with such a model."""
    file = find_folder(path) / CONFIG
    try:
        found = json.loads(file.read_bytes()) if file.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= SETTINGS


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings of a model, by name.

    Raises:
        ModelError: if there are none, or they are not pythae's.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ModelError(
            f"{folder} has no {CONFIG}.",
            "Name the folder final_model of a pythae run, or one that model.save(…) wrote.",
        )
    with reading(path, "JSON", "Save the model again.", ModelError):
        settings = json.loads(path.read_bytes())
    if not isinstance(settings, dict) or SETTINGS - settings.keys():
        missing = (
            sorted(SETTINGS - settings.keys()) if isinstance(settings, dict) else ["everything"]
        )
        raise ModelError(
            f"{path} is not a configuration of pythae 0.1: it lacks {', '.join(missing)}.",
            "Save the model again with pythae 0.1.",
        )
    for name in ("uses_default_encoder", "uses_default_decoder"):
        if not isinstance(settings[name], bool):
            raise ModelError(f"{path} says neither true nor false for {name}.")
    return settings


def read_weights(folder: Path) -> Mapping[str, Tensor]:
    """The state dict of a model; nothing else in its file can run.

    Raises:
        ModelError: if the file is missing, damaged, or not of tensors.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(
            f"{folder} has no {WEIGHTS}, the weights.", "Copy the whole folder that pythae wrote."
        )
    content = read_tensors(path)
    state = content.get("model_state_dict") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()
    ):
        raise ModelError(
            f"{path} has no model_state_dict, where pythae puts the weights.",
            "Save the model again with model.save(…).",
        )
    return state


def read_network(folder: Path, part: str, trust: bool) -> nn.Module:
    """A network of the user's own, unpickled because the user trusts it.

    Args:
        folder: of the model.
        part: ``encoder`` or ``decoder``.
        trust: whether the code in the pickle may run.

    Raises:
        UntrustedError: if trust is False.
        ModelError: if the pickle is missing or does not load.
    """
    path = folder / f"{part}.pkl"
    if not path.is_file():
        raise ModelError(
            f"The model in {folder} has its own {part}, and {path.name} is missing.",
            "Copy the whole folder that pythae wrote.",
        )
    if not trust:
        raise UntrustedError(
            f"{path} is a pickle of the model's own {part}: loading it would run code in it.",
            "If you trust who made it, say so: --trust.",
        )
    try:
        with path.open("rb") as file:
            network = Unpickler(file).load()
    except Exception as error:
        raise ModelError(
            f"{path} does not unpickle: {type(error).__name__}: {reason_of(error)}",
            f"It was pickled with Python {python_version(folder)}: use that, and install what the "
            f"{part} imports.",
        ) from error
    if not isinstance(network, nn.Module):
        raise ModelError(
            f"{path} holds a {type(network).__name__}, not a network.", "Save the model again."
        )
    return network


class Unpickler(pickle.Unpickler):
    """Unpickles networks whose tensors may lie on a device that is not here."""

    def find_class(self, module: str, name: str) -> Any:
        """As pickle does, but that tensors go to the CPU."""
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return on_cpu
        return super().find_class(module, name)


def on_cpu(content: bytes) -> Any:
    """A pickled storage, on the CPU."""
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=False)


def python_version(folder: Path) -> str:
    """The Python that wrote a folder, as far as it says."""
    try:
        return str(json.loads((folder / "environment.json").read_bytes())["python_version"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return "of an unknown version"
