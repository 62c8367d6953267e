"""From the settings and weights of a folder to pythae's own module."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pythae.models
import torch
from pythae.models.base import BaseAE
from torch import Tensor

from genprobe.errors import ModelError, reason_of
from genprobe_pythae.folder import CONFIG, WEIGHTS, read_network, read_weights

OTHER_VERSION = (
    "It was saved by another version of pythae; install that one, or save the model again."
)
ASIDE = "discriminator."
"""Weights of what only training needs; a network of the user's own for it is never unpickled."""


def kind_name(settings: Mapping[str, Any]) -> str:
    """``BetaVAEConfig`` and ``VAE_IAF_Config`` to pythae's names of the models."""
    return str(settings["name"]).removesuffix("Config").removesuffix("_")


def build(folder: Path, settings: Mapping[str, Any], trust: bool) -> BaseAE:
    """The trained module, in evaluation mode.

    Args:
        folder: that pythae wrote.
        settings: of the model.
        trust: whether networks of the user's own may be unpickled.

    Raises:
        UntrustedError: if there are such networks and trust is False.
        ModelError: if the settings or weights do not fit the pythae that is installed.
    """
    own = {
        part: read_network(folder, part, trust)
        for part in ("encoder", "decoder")
        if not settings[f"uses_default_{part}"]
    }
    weights = read_weights(folder)
    require_room(settings, weights, folder / CONFIG)
    name = kind_name(settings)
    require_known(name, settings, folder / CONFIG)
    try:
        config = getattr(pythae.models, str(settings["name"]))(**without_training(settings))
        with torch.random.fork_rng(devices=[]):
            module: BaseAE = getattr(pythae.models, name)(config, **own)
    except Exception as error:
        raise ModelError(
            f"pythae cannot build the {name} of {folder / CONFIG}: {reason_of(error)}.",
            OTHER_VERSION,
        ) from error
    load_weights(module, weights, folder / WEIGHTS)
    return module.eval()


def require_room(settings: Mapping[str, Any], weights: Mapping[str, Tensor], path: Path) -> None:
    """Check that a network is no larger than its weights, before memory is taken for it.

    Raises:
        ModelError: if the sizes are none, or the weights are fewer.
    """
    given = settings["input_dim"]
    inputs = [] if given is None else given  # networks of the user's own need none
    sizes = [settings["latent_dim"], *(inputs if isinstance(inputs, list) else [inputs])]
    if not all(type(size) is int and size > 0 for size in sizes):
        raise ModelError(f"{path} gives sizes that are none: input_dim, latent_dim.", OTHER_VERSION)
    stored = sum(values.untyped_storage().nbytes() for values in weights.values())
    wanted = [settings["latent_dim"]]
    if settings["uses_default_encoder"]:
        wanted.append(math.prod(inputs))
    if max(wanted) > stored:
        raise misfit(path.parent / WEIGHTS, "it says more values than the file has weights")


def require_known(name: str, settings: Mapping[str, Any], path: Path) -> None:
    """Check that the pythae that is here knows every setting: it would pass over others silently.

    Raises:
        ModelError: naming those that it does not.
    """
    config = getattr(pythae.models, str(settings["name"]), None)
    known = {field.name for field in fields(config)} if is_dataclass(config) else {"name"}
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise ModelError(
            f"The pythae that is installed does not know the settings {', '.join(unknown)} of the "
            f"{name} in {path}.",
            OTHER_VERSION,
        )


def without_training(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that pythae's classes take, but for one that asks for the discriminator."""
    return {k: v for k, v in settings.items() if k not in ("name", "reconstruction_layer")}


def load_weights(module: BaseAE, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load every weight but the discriminator's.

    Raises:
        ModelError: if names or shapes differ.
    """
    kept = {k: v for k, v in weights.items() if not k.startswith(ASIDE)}
    try:
        missing, unexpected = module.load_state_dict(kept, strict=False)
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise misfit(path, " ".join(lines[1:2]) or lines[0]) from error
    odd = [k for k in (*missing, *unexpected) if not k.startswith(ASIDE)]
    if odd:
        raise misfit(path, f"{odd[0]} is in one and not in the other")


def misfit(path: Path, reason: str) -> ModelError:
    """The error for weights of another network."""
    return ModelError(
        f"The weights in {path} do not fit the model that {CONFIG} describes: {reason}.",
        "Copy the whole folder that pythae wrote, or use the pythae that wrote it.",
    )
