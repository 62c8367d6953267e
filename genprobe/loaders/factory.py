"""Models built by the user's own function, named ``MODULE:FACTORY``.

A factory without a positional parameter returns a Model whose module is untrained, and genprobe
loads the checkpoint into it. A factory with one receives the checkpoint's path and reads it itself.
"""

import inspect
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from genprobe.errors import GenprobeError, ModelError, reason_of
from genprobe.loaders.fitting import Fit, fits, mismatch, same_tensors
from genprobe.loaders.generator import from_generator
from genprobe.loaders.inspect import BUNDLE_MARK
from genprobe.loaders.state_dicts import StateDict, describe, printable, state_dicts, under
from genprobe.loaders.tensors import read_weights
from genprobe.loaders.user_function import user_function
from genprobe.runtime.near_names import hint
from genprobe.types import Model

log = logging.getLogger("genprobe")


def load_with_factory(
    name: str, path: Path, weights: str | None = None, scale: float | str | None = None
) -> Model:
    """The model that a factory builds for a checkpoint.

    Args:
        name: ``MODULE:FACTORY``; the current folder is on the import path.
        path: of the checkpoint.
        weights: which of its state dicts to load, by dotted path; by default the best fit.
        scale: of the observations of a generator, as ``from_generator`` takes it, where the factory
            returns one.

    Raises:
        ModelError: if the factory cannot be imported or called, does not return a Model, or the
            checkpoint does not fit the module.
    """
    factory = import_factory(name)
    if takes_path(factory):
        if weights is not None:
            raise ModelError(
                f"The factory {name} reads {path} itself, so that {weights!r} chooses nothing.",
                "Leave --weights out, or let a factory without arguments build the module.",
            )
        return build_model(name, path, {}, path, scale=scale)
    content = read_weights(path)
    bundled = isinstance(content, Mapping) and content.get("format") == BUNDLE_MARK
    if bundled and {"config", "state"} <= content.keys():
        model = build_model(name, path, content["config"], scale=scale)
        load_state(model, content["state"], path)
        return model
    return load_best(build_model(name, path, {}, scale=scale), content, path, weights)


def import_factory(name: str) -> Any:
    """The function ``MODULE:FACTORY`` names; the module may be given as the path of its file.

    Raises:
        ModelError: if there is none.
    """
    if not all(name.rpartition(":")):
        module, _, function = name.strip(":").rpartition(".")
        meant = f"Did you mean {module}:{function}? " if module and function != "py" else ""
        raise ModelError(
            f"--factory takes MODULE:FACTORY, such as mypackage.vae:build, not {name!r}.",
            f"{meant}Write the module, a colon, and the function in it that builds the model.",
        )
    return user_function(name, "--factory", ModelError)


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


def build_model(
    name: str,
    path: Path,
    config: Mapping[str, Any],
    *arguments: Path,
    scale: float | str | None = None,
) -> Model:
    """What a factory returns, a generator as a model with observations of that scale.

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
    if isinstance(model, nn.Module) and scale is not None:
        return from_generator(model, scale=scale, name=path.name)
    if not isinstance(model, Model):
        raise ModelError(
            f"The factory {name} returns a {type(model).__name__}, not a genprobe.Model.",
            "Wrap your network: genprobe.Model(name=…, encode=…, decode=…, posterior=…, …). Of a "
            "generator, as of a GAN, say how far x lies from what it gives: --observation-scale.",
        )
    if scale is not None:
        raise own_likelihood(model)
    return model


def own_likelihood(model: Model) -> ModelError:
    """The error of a scale for a model that has a likelihood, or no decoder."""
    return ModelError(
        f"--observation-scale is for a generator that gives x̂ alone; {model.name} is a whole Model "
        f"(likelihood {getattr(model.likelihood, 'name', model.likelihood)}).",
        "Leave it out, or let the factory return the network itself.",
    )


def load_best(model: Model, content: Any, path: Path, weights: str | None) -> Model:
    """Load the state dict of a checkpoint that fits a model's module, and say which that was.

    Args:
        model: with an untrained module.
        content: of the checkpoint.
        path: of the checkpoint.
        weights: which state dict was asked for.

    Returns:
        The model, whose training facts name the weights unless they are all that the file holds.

    Raises:
        ModelError: if there is no state dict, or none fits.
    """
    every = state_dicts(content)
    if not every:
        raise ModelError(
            f"{path} holds no state dict: {describe(content)}.",
            "Let the factory take the path and read the file itself.",
        )
    found = every if weights is None else under(every, weights)
    if not found:
        raise ModelError(
            f"{path} holds no weights under {weights!r}.",
            f"{hint(weights, [state.key for state in every if state.key])}"
            f"There are: {paths(state.key for state in every)}.",
        )
    module = require_module(model, path)
    fitting = fits(found, module)
    if not fitting:
        load_state(model, nearest(found, module), path, [state.key for state in every])
        return model
    best = fitting[0]
    load_state(model, best.tensors, path)
    say_what_was_taken(path, best, fitting[1:])
    return replace(model, training={**model.training, "weights": best.key}) if best.key else model


def nearest(found: Sequence[StateDict], module: nn.Module) -> Mapping[str, Any]:
    """The state dict that shares most names with a module, or else is the longest."""
    wanted = module.state_dict().keys()
    best = max(found, key=lambda state: (len(wanted & state.tensors.keys()), len(state.tensors)))
    return best.tensors


def say_what_was_taken(path: Path, best: Fit, others: Sequence[Fit]) -> None:
    """Log which weights were taken; warn of others that fit and are not the same.

    Args:
        path: of the checkpoint.
        best: that was loaded.
        others: that fit too.
    """
    words = [f"took {printable(best.key)}" if best.key else "took its weights"]
    words += [best.renamed] if best.renamed else []
    words += [f"and left out what else is there ({len(best.left)})"] if best.left else []
    rivals = [fit for fit in others if not same_tensors(best, fit)]
    if best.renamed or (best.key and not rivals):
        log.info("%s: %s.", path, ", ".join(words))
    if rivals:
        log.warning(
            "%s holds several weights that fit. Took %s; with --weights: %s.",
            path,
            printable(best.key) or "those at the top",
            paths(fit.key for fit in rivals),
        )


def paths(keys: Iterable[str]) -> str:
    """Dotted paths in words, each once."""
    every = list(dict.fromkeys(printable(key) or "the top" for key in keys))
    return ", ".join(every[:6]) + (f" and {len(every) - 6} more" if len(every) > 6 else "")


def require_module(model: Model, path: Path) -> nn.Module:
    """The module of a model.

    Raises:
        ModelError: if there is none.
    """
    if model.module is None:
        raise ModelError(
            f"The model built for {path} has no module to load the weights into.",
            "Give Model(module=…), or let the factory take the path and read the file itself.",
        )
    return model.module


def load_state(
    model: Model, state: Mapping[str, Any], path: Path, others: Sequence[str] = ()
) -> None:
    """Load a state dict into a model's module, every key of both.

    Args:
        model: with the module.
        state: by the names of the module.
        path: of the checkpoint.
        others: dotted paths of all state dicts in it.

    Raises:
        ModelError: if there is no module, or names or shapes differ.
    """
    module = require_module(model, path)
    try:
        module.load_state_dict(state)
    except Exception as error:  # of torch, or of the module's own code
        named = isinstance(state, Mapping)  # a file may hold anything
        raise misfit(path, (named and mismatch(state, module)) or reason_of(error), others) from (
            error
        )


def misfit(path: Path, reason: str, others: Sequence[str] = ()) -> ModelError:
    """The error for weights that are not of a module.

    Args:
        path: of the checkpoint.
        reason: that says so.
        others: dotted paths of all state dicts in it.
    """
    choice = f" Or choose with --weights: {paths(others)}." if len(others) > 1 else ""
    return ModelError(
        f"The weights in {path} do not fit the module: {reason}.",
        "The factory must build the module as it was trained, or take the path and load it "
        f"itself.{choice}",
    )
