"""The genprobe bundle: a checkpoint of tensors and plain types that says how to rebuild its model.

    format "genprobe.bundle", version 1, name, architecture, config, state, training, prior

``prior`` is the name and tensors of the prior, or None where the rebuilt model makes it.
``architecture`` is a built-in one, or ``MODULE:FACTORY`` for code of the user's own, which is
imported only if the user says so. It loads with ``weights_only=True``.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.distributions import Distribution

from genprobe.architectures import ARCHITECTURES, MlpVae
from genprobe.errors import GenprobeError, ModelError, UntrustedError, reason_of
from genprobe.loaders.factory import build_model, load_state
from genprobe.loaders.inspect import BUNDLE_MARK, inspect_file
from genprobe.loaders.tensors import read_tensors
from genprobe.priors.recognise import prior_of
from genprobe.runtime.atomic_write import atomic_write
from genprobe.types import Loader, Model, NamedPrior, Prior

VERSION = 1
PLAIN = (str, int, float, bool, type(None))


def save(
    model: Model,
    path: str | Path,
    *,
    factory: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Write a model as a bundle: tensors and plain types only.

    Args:
        model: with a module. An ``mlp-vae`` needs nothing else.
        path: of the file to write. One that is there is replaced, and kept if writing fails.
        factory: ``MODULE:FACTORY`` for any other module: the function that, called with ``config``
            as keywords, returns the Model with its module untrained.
        config: plain keyword arguments of the factory.

    Raises:
        ModelError: if there is no module, no way to rebuild it is given, the config or the training
            facts hold anything but plain types, the prior can be neither saved nor rebuilt, or the
            file cannot be written.

    Example:
        >>> import tempfile
        >>> from genprobe.architectures import MlpVae
        >>> from genprobe.loaders.open import load
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(MlpVae(data_shape=(4,)).as_model("small"), f"{folder}/small.pt")
        ...     load(f"{folder}/small.pt").name
        'small'
    """
    module = model.module
    if module is None:
        raise ModelError(f"The model {model.name!r} has no module whose weights could be saved.")
    architecture = factory or getattr(module, "name", None)
    if factory is None and not isinstance(module, tuple(ARCHITECTURES.values())):
        raise ModelError(
            f"A bundle cannot rebuild a {type(module).__name__} by itself.",
            "Name the function that builds its Model: genprobe.save(…, factory='MODULE:FACTORY').",
        )
    settings = getattr(module, "config", {}) if factory is None else dict(config or {})
    for value in (settings, dict(model.training)):
        require_plain(value)
    state = {key: value.detach().cpu().clone() for key, value in module.state_dict().items()}
    content = {
        "format": BUNDLE_MARK,
        "version": VERSION,
        "name": model.name,
        "architecture": architecture,
        "config": dict(settings),
        "state": state,
        "training": dict(model.training),
        "prior": saved_prior(model, factory is not None),
    }
    try:
        with atomic_write(Path(path)) as aside:
            torch.save(content, aside)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"The bundle cannot be written at {path}: {reason_of(error)}") from error


def saved_prior(model: Model, has_factory: bool) -> dict[str, Any] | None:
    """Name and tensors of a model's prior; None where the model makes it anew when rebuilt.

    Args:
        model: whose prior it is.
        has_factory: whether the user's own function rebuilds the model.

    Raises:
        ModelError: if it has no tensors, and no function rebuilds it.
    """
    prior = prior_of(model.prior) if isinstance(model.prior, Distribution) else model.prior
    if isinstance(model.module, MlpVae) and same_prior(model.module.prior(), prior):
        return None
    if isinstance(prior, str):
        return {"name": prior, "params": {}}
    if isinstance(prior, Prior | NamedPrior) and prior.params:
        params = {k: v.detach().cpu().clone() for k, v in prior.params.items()}
        return {"name": prior.name, "params": params}
    if not has_factory:
        raise ModelError(
            "The prior of the model has neither a registered name nor tensors: a bundle cannot "
            "rebuild it.",
            "Give it by name, or save with the function that makes the Model: factory=….",
        )
    return None


def same_prior(own: Prior | str, other: object) -> bool:
    """Whether a prior is the one that a reference network has of itself."""
    if isinstance(own, str) or not isinstance(other, Prior):
        return own == other
    return own.params.keys() == other.params.keys() and all(
        torch.equal(own.params[k], other.params[k]) for k in own.params
    )


def with_prior(model: Model, saved: Any, path: Path) -> Model:
    """A rebuilt model with the prior that was saved, if one was.

    Raises:
        ModelError: if what was saved is no name with tensors.
    """
    if saved is None:
        return model
    try:
        name, params = str(saved["name"]), dict(saved["params"])
    except (TypeError, KeyError, ValueError) as error:
        raise ModelError(f"The prior in the bundle {path} does not read.") from error
    return replace(model, prior=NamedPrior(name=name, params=params) if params else name)


def load_bundle(path: Path, trust: bool) -> Model:
    """The model in a bundle.

    Args:
        path: of the bundle.
        trust: whether a factory that it names may be imported.

    Raises:
        ModelError: if it is damaged or of a newer version.
        UntrustedError: if it needs the user's own code and trust is False.
    """
    content = read_tensors(path)
    if not isinstance(content, Mapping) or content.get("format") != BUNDLE_MARK:
        raise ModelError(f"{path} is not a genprobe bundle.")
    if content.get("version", 0) > VERSION:
        raise ModelError(
            f"The bundle {path} has version {content['version']}; this genprobe reads {VERSION}.",
            "Upgrade genprobe.",
        )
    missing = {"name", "architecture", "config", "state", "training"} - content.keys()
    if missing:
        raise ModelError(f"The bundle {path} lacks {', '.join(sorted(missing))}.", "Save it again.")
    model = rebuild(path, content, trust)
    load_state(model, content["state"], path)
    if isinstance(model.module, MlpVae):
        model = model.module.as_model(content["name"])
    model = replace(model, name=content["name"], training=content["training"])
    return with_prior(model, content.get("prior"), path)


def rebuild(path: Path, content: Mapping[str, Any], trust: bool) -> Model:
    """The untrained model that a bundle describes."""
    architecture = str(content["architecture"])
    if architecture in ARCHITECTURES:
        try:
            return ARCHITECTURES[architecture](**content["config"]).as_model(content["name"])
        except GenprobeError:
            raise
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"The bundle {path} is no {architecture}: {reason_of(error)}"
            ) from error
    if ":" not in architecture:
        raise ModelError(
            f"The bundle {path} names the architecture {architecture!r}, unknown here.",
            f"There are: {', '.join(ARCHITECTURES)}.",
        )
    if not trust:
        raise UntrustedError(
            f"The bundle {path} is built by code of its own, {architecture}, which would run.",
            f"Say that it may: --model {architecture} or --trust.",
        )
    return build_model(architecture, path, content["config"])


def require_plain(value: Any, where: str = "config") -> None:
    """Check that a value is made of plain types only.

    Raises:
        ModelError: naming where it is not.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            require_plain(item, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            require_plain(item, f"{where}[{i}]")
    elif not isinstance(value, PLAIN):
        raise ModelError(f"A bundle holds plain types only; {where} is a {type(value).__name__}.")


def recognises(path: Path) -> bool:
    """Whether a file's bytes are those of a bundle."""
    return path.is_file() and inspect_file(path).kind == "bundle"


bundle = Loader(scheme="bundle", recognises=recognises, load=load_bundle)
