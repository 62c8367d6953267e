"""Models built by the user's own function, named ``MODULE:FACTORY``.

A factory without a positional parameter returns a Model whose module is untrained, and genprobe
loads the checkpoint into it. A factory with one receives the checkpoint's path and reads it itself.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from genprobe.errors import GenprobeError, ModelError
from genprobe.loaders.tensors import read_tensors
from genprobe.types import Model

STATE_KEYS = ("state_dict", "model_state_dict", "model", "state")
"""Where training scripts keep the state dict in a larger checkpoint."""


def load_with_factory(name: str, path: Path) -> Model:
    """The model that a factory builds for a checkpoint.

    Args:
        name: ``MODULE:FACTORY``; the current folder is on the import path.
        path: of the checkpoint.

    Raises:
        ModelError: if the factory cannot be imported or called, does not return a Model, or the
            checkpoint does not fit the module.
    """
    factory = import_factory(name)
    if takes_path(factory):
        return build_model(name, path, {}, path)
    content = read_tensors(path)
    if isinstance(content, Mapping) and content.get("format") == "genprobe.bundle":
        model = build_model(name, path, content["config"])
        state = content["state"]
    else:
        model, state = build_model(name, path, {}), state_dict(content, path)
    load_state(model, state, path)
    return model


def import_factory(name: str) -> Any:
    """The function ``MODULE:FACTORY`` names.

    Raises:
        ModelError: if there is none.
    """
    module_name, _, attribute = name.partition(":")
    if not (module_name and attribute):
        raise ModelError(
            f"--model takes MODULE:FACTORY, such as mypackage.vae:build, not {name!r}."
        )
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except Exception as error:
        raise ModelError(
            f"The factory {name} cannot be imported: {type(error).__name__}: {error}",
            "The module must be installed or in the current folder.",
        ) from error


def takes_path(factory: Any) -> bool:
    """Whether a factory has a required positional parameter; a builtin may not say."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except ValueError:
        return True
    return any(
        p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        for p in parameters
    )


def build_model(name: str, path: Path, config: Mapping[str, Any], *arguments: Path) -> Model:
    """What a factory returns.

    Raises:
        ModelError: if it fails, or returns anything but a Model.
    """
    factory = import_factory(name)
    try:
        model = factory(*arguments, **config)
    except GenprobeError:
        raise
    except Exception as error:
        raise ModelError(
            f"The factory {name} fails for {path}: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(model, Model):
        raise ModelError(
            f"The factory {name} returns a {type(model).__name__}, not a genprobe.Model.",
            "Wrap your network: genprobe.Model(name=…, encode=…, decode=…, posterior=…, …).",
        )
    return model


def state_dict(content: Any, path: Path) -> Mapping[str, Tensor]:
    """The state dict in a checkpoint, at its top or under a customary key.

    Raises:
        ModelError: if there is none.
    """
    candidates = [content]
    if isinstance(content, Mapping):
        candidates += [content[key] for key in STATE_KEYS if key in content]
    for candidate in candidates:
        if isinstance(candidate, Mapping) and all(
            isinstance(v, Tensor) for v in candidate.values()
        ):
            return candidate
    raise ModelError(
        f"{path} holds no state dict.", "Let the factory take the path and read the file itself."
    )


def load_state(model: Model, state: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dict into a model's module, every key of both.

    Raises:
        ModelError: if there is no module, or names or shapes differ.
    """
    if model.module is None:
        raise ModelError(
            f"The model built for {path} has no module to load the weights into.",
            "Give Model(module=…), or let the factory take the path and read the file itself.",
        )
    try:
        model.module.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise ModelError(
            f"The weights in {path} do not fit the module: {' '.join(lines[1:2]) or lines[0]}",
            "The factory must build the module as it was trained.",
        ) from error
