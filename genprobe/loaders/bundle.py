"""The genprobe bundle: a checkpoint of tensors and plain types that says how to rebuild its model.

    format "genprobe.bundle", version 1, name, architecture, config, state, training, prior

``prior`` is the name and tensors of the prior, or None where the rebuilt model makes it.
``architecture`` is a built-in one, or ``MODULE:FACTORY`` for code of the user's own, which is
imported only if the user says so. It loads with ``weights_only=True``.
"""

import reprlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.distributions import Distribution

from genprobe.architectures import ARCHITECTURES, MlpVae
from genprobe.errors import GenprobeError, ModelError, UntrustedError, reason_of
from genprobe.loaders.factory import build_model, load_state, misfit
from genprobe.loaders.facts import LARGEST, require_facts, require_plain, require_tensors
from genprobe.loaders.fitting import mismatch
from genprobe.loaders.inspect import BUNDLE_MARK, inspect_file
from genprobe.loaders.tensors import read_tensors
from genprobe.priors.recognise import prior_of
from genprobe.runtime.output_file import ResultKind, write_result
from genprobe.types import Loader, Model, NamedPrior, Prior

VERSION = 1
PARTS: Mapping[str, type] = {
    "name": str,
    "architecture": str,
    "config": Mapping,
    "state": Mapping,
    "training": Mapping,
}
"""What every bundle has, by type."""


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
        path: of the file to write. A bundle that is there is replaced, and kept if writing fails;
            any other file is kept.
        factory: ``MODULE:FACTORY`` for any other module: the function that, called with ``config``
            as keywords, returns the Model with its module untrained.
        config: plain keyword arguments of the factory.

    Raises:
        ModelError: if there is no module, no way to rebuild it is given, the config or the training
            facts hold anything but plain types, the prior can be neither saved nor rebuilt, the
            file cannot be written, or one is there that is not a bundle.

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
    if factory is None and (model.chain is not None or not model.encodes):
        raise ModelError(
            f"A bundle rebuilds the whole network of {model.name!r}, its encoder too.",
            "Name the function that builds the Model without: genprobe.save(…, "
            "factory='MODULE:FACTORY').",
        )
    settings = getattr(module, "config", {}) if factory is None else dict(config or {})
    require_plain(settings)
    require_facts(dict(model.training), f"The model {model.name!r}")
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
        write_result(Path(path), partial(torch.save, content), BUNDLE)
    except GenprobeError as error:
        raise ModelError(error.what, error.remedy) from error
    except RuntimeError as error:
        raise ModelError(f"The bundle cannot be written at {path}: {reason_of(error)}") from error


def saved_prior(model: Model, has_factory: bool) -> dict[str, Any] | None:
    """Name and tensors of a model's prior; None where the model makes it anew when rebuilt.

    Args:
        model: whose prior it is.
        has_factory: whether the user's own function rebuilds the model.

    Raises:
        ModelError: if it has no tensors, and no function rebuilds it.
    """
    if model.chain is not None:
        return None  # it yields its own
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


def with_prior(model: Model, saved: Mapping[str, Any] | None) -> Model:
    """A rebuilt model with the prior that was saved, if one was."""
    if saved is None:
        return model
    name, params = saved["name"], dict(saved["params"])
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
    require_content(path, content)
    model = rebuild(path, content, trust)
    load_state(model, content["state"], path)
    if isinstance(model.module, MlpVae):
        model = model.module.as_model(content["name"])
    model = replace(model, name=content["name"], training=content["training"])
    return with_prior(model, content.get("prior"))


def require_content(path: Path, content: Any) -> None:
    """Check that a checkpoint is a bundle, and that each of its parts is what it should be.

    Args:
        path: of the bundle.
        content: as it was read.

    Raises:
        ModelError: naming the part that is not.
    """
    if not isinstance(content, Mapping) or content.get("format") != BUNDLE_MARK:
        raise ModelError(f"{path} is not a genprobe bundle.")
    version = content.get("version", 0)
    if isinstance(version, int) and version > VERSION:
        raise ModelError(
            f"The bundle {path} has version {min(version, LARGEST)}; this genprobe reads "
            f"{VERSION}.",
            "Upgrade genprobe.",
        )
    missing = PARTS.keys() - content.keys()
    if missing:
        raise ModelError(f"The bundle {path} lacks {', '.join(sorted(missing))}.", "Save it again.")
    for part, kind in {**PARTS, "version": int, "prior": Mapping | None}.items():
        require_type(path, part, content.get(part, 0 if part == "version" else None), kind)
    require_plain(content["config"])
    require_facts(content["training"], f"The bundle {path}")
    require_tensors(content["state"], f"The bundle {path}")
    if (prior := content.get("prior")) is not None:
        require_type(path, "prior's name", prior.get("name"), str)
        require_tensors(prior.get("params"), f"The prior in the bundle {path}")


def require_type(path: Path, part: str, value: Any, kind: Any) -> None:
    """Check of what type a part of a bundle is.

    Raises:
        ModelError: if it is of another.
    """
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ModelError(
            f"The bundle {path} is damaged: its {part} is a {type(value).__name__}.",
            "Save it again.",
        )


def rebuild(path: Path, content: Mapping[str, Any], trust: bool) -> Model:
    """The untrained model that a bundle describes.

    A built-in one is first built without memory: a file of a kilobyte may describe a terabyte.
    """
    architecture, config, state = (content[k] for k in ("architecture", "config", "state"))
    if architecture in ARCHITECTURES:
        build = ARCHITECTURES[architecture]
        try:
            if len(config.get("hidden", ())) > len(state):
                raise ValueError("it has fewer weights than layers")
            with torch.device("meta"):
                sketch = build(**config)
            if reason := mismatch(state, sketch):
                raise misfit(path, reason)
            return build(**config).as_model(content["name"])
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise ModelError(
                f"The bundle {path} is no {architecture}: {reason_of(error)}."
            ) from error
    if ":" not in architecture:
        raise ModelError(
            f"The bundle {path} names the architecture {reprlib.repr(architecture)}, unknown here.",
            f"There are: {', '.join(ARCHITECTURES)}.",
        )
    if not trust:
        raise UntrustedError(
            f"The bundle {path} is built by code of its own, {architecture}, which would run.",
            f"Say that it may: --factory {architecture} or --trust.",
        )
    return build_model(architecture, path, config)


def recognises(path: Path) -> bool:
    """Whether a file's bytes are those of a bundle."""
    return path.is_file() and inspect_file(path).kind == "bundle"


BUNDLE = ResultKind(name="a genprobe bundle", wrote=recognises)
bundle = Loader(scheme="bundle", recognises=recognises, load=load_bundle)
