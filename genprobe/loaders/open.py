"""From what the user names to a Model or a Dataset, through the plugins that recognise it."""

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from torch import nn

from genprobe.datasets.binarize import binarize as binarized
from genprobe.datasets.byte_values import read_bytes_as
from genprobe.datasets.covariates import with_covariates
from genprobe.datasets.find import data_folders, find_folder, names_in, places, require_openable
from genprobe.datasets.from_object import from_object
from genprobe.errors import DataError, GenprobeError, ModelError, reason_of
from genprobe.loaders.factory import load_with_factory
from genprobe.loaders.generator import from_generator
from genprobe.loaders.inspect import inspect_file
from genprobe.loaders.refusals import THREE_WAYS, refuse
from genprobe.loaders.user_function import user_function
from genprobe.plugins import plugins
from genprobe.runtime.checked_zip import require_intact
from genprobe.runtime.near_names import hint
from genprobe.runtime.untrusted import is_absent, require_readable
from genprobe.types import Dataset, DatasetReader, Likelihood, Loader, Model

log = logging.getLogger("genprobe")


def load(
    spec: str | Path | nn.Module,
    *,
    factory: str | None = None,
    weights: str | None = None,
    trust: bool = False,
    observation_scale: float | str | None = None,
) -> Model:
    """The model a path or ``scheme:path`` names.

    Args:
        spec: a path, or one that names its loader, such as ``bundle:model.pt``; or a generator.
        factory: ``MODULE:FACTORY``, the user's own function that builds the model.
        weights: which of the state dicts in a checkpoint the factory's model gets, by dotted path,
            such as ``ema``; by default the one that fits, and of several that do the first that is
            no average over the training.
        trust: whether code in the file, or named by it, may run.
        observation_scale: σ of a generator, given itself or returned by the factory instead of a
            Model; or ``optimal``. See ``from_generator``.

    Raises:
        ModelError: if it is no path, nothing is there, nothing reads it, or several loaders claim
            it, or no weights of that name fit.
        UntrustedError: if it could only be loaded by running code in it.

    Example:
        >>> from importlib.resources import as_file, files
        >>> with as_file(files("genprobe.demo") / "beta-0.9.pt") as path:
        ...     load(path).posterior
        'diagonal-normal'
    """
    if not isinstance(spec, str | Path):
        return model_of(spec, observation_scale)
    if factory is None:
        require_no_factory(spec, weights, observation_scale)
    known: dict[str, Loader] = plugins().all("loaders")
    scheme, _, rest = str(spec).partition(":")
    named = scheme in known and bool(rest)
    path = Path(rest if named else spec)
    if not (named and is_absent(path)):  # a plugin may name what is no path
        require_readable(path, "model", folder=True, error=ModelError)
    if named:
        return known[scheme].load(path, trust)
    if factory is not None:
        return load_with_factory(factory, path, weights, observation_scale)
    claims = [loader for loader in known.values() if loader.recognises(path)]
    if len(claims) > 1:
        raise ModelError(
            f"{path} is claimed by the loaders {', '.join(loader.scheme for loader in claims)}.",
            f"Name one: {claims[0].scheme}:{path}.",
        )
    if claims:
        return claims[0].load(path, trust)
    return load_trusted(path) if trust and path.is_file() else refuse(path)


def model_of(given: Any, observation_scale: float | str | None) -> Model:
    """The model of what is neither a path nor a Model: of a generator whose noise is stated.

    Raises:
        ModelError: if it is anything else.
    """
    if isinstance(given, nn.Module) and observation_scale is not None:
        return from_generator(given, scale=observation_scale, name=type(given).__name__)
    raise ModelError(
        f"A {type(given).__name__} cannot be evaluated as it is: its parts are unknown.",
        "Wrap it: genprobe.Model(name=…, encode=…, decode=…, posterior=…, prior=…, "
        "likelihood=…, module=…), or give a path; of a generator alone observation_scale=….",
    )


def require_no_factory(
    spec: str | Path, weights: str | None, observation_scale: float | str | None
) -> None:
    """Check that nothing is chosen that only the model of a factory is given.

    Raises:
        ModelError: if it is.
    """
    asked = {
        f"The weights {weights!r} of {spec} can be chosen": weights,
        f"An observation scale can be stated for {spec}": observation_scale,
    }
    for what, value in asked.items():
        if value is not None:
            raise ModelError(
                f"{what} only for a function that builds the model.",
                "Name it: --factory MODULE:FACTORY.",
            )


def load_trusted(path: Path) -> Model:
    """A pickled Model, unpickled because the user trusts the file."""
    kind = inspect_file(path)
    if kind.kind != "pickle":
        return refuse(path)
    import torch

    try:
        require_intact(path)
        content = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise ModelError(
            f"{path} does not unpickle: {type(error).__name__}: {reason_of(error)}",
            "The code it was pickled with must be installed.",
        ) from error
    if isinstance(content, Model):
        return content
    raise ModelError(
        f"{path} holds a {type(content).__name__}, not a genprobe.Model: its parts are unknown.",
        THREE_WAYS,
    )


def open_dataset(
    source: Any,
    *,
    split: str | None = None,
    binarize: str | None = None,
    seed: int = 0,
    bytes: str | None = None,
    input_key: str | None = None,
    covariates: Mapping[str, Any] | None = None,
    likelihood: Likelihood | str | None = None,
) -> Dataset:
    """The data set that a name, path, array, table, torch Dataset or DataLoader stands for.

    Args:
        source: as above, or a Dataset already.
        split: for named data sets that have splits.
        binarize: none, threshold or stochastic; None leaves the data as they are.
        seed: of stochastic binarisation, and of what a DataLoader draws.
        bytes: ``pixels`` divides bytes by 255, ``counts`` takes them as they are; by default they
            are pixels, unless all are 0 or 1 or the likelihood is of whole numbers.
        input_key: under which key items, or a file's arrays, have the input.
        covariates: what comes with the examples, by name: an array (n, ...) or the path of one.
        likelihood: of the model that the data are for, if there is one.

    Raises:
        DataError: if nothing is there, or nothing reads it.

    Example:
        >>> open_dataset("digits", split="test", binarize="threshold").event_shape
        torch.Size([64])
    """
    found = find_dataset(source, split, input_key, seed)
    if covariates:
        found = with_covariates(found, covariates, lambda spec: find_dataset(spec, None))
    known = plugins().get("likelihoods", likelihood) if isinstance(likelihood, str) else likelihood
    binary = binarize not in (None, "none")
    found = read_bytes_as(found, bytes, None if binary else known)
    return binarized(found, binarize or "none", seed)


def find_dataset(
    source: Any, split: str | None, input_key: str | None = None, seed: int = 0
) -> Dataset:
    """The data set before bytes are scaled, and before binarisation."""
    if isinstance(source, Dataset):
        if input_key is not None:
            raise DataError(
                f"{source.name} is open: its input is not chosen by {input_key!r} any more.",
                "Give the key to genprobe.open_dataset.",
            )
        return source
    if not isinstance(source, str | Path):
        return from_object(source, split=split, key=input_key, seed=seed)
    known: dict[str, DatasetReader] = plugins().all("datasets")
    scheme, _, rest = str(source).partition(":")
    if is_function(source):
        return from_object(data_of_function(rest), split=split, key=input_key, seed=seed)
    named = str(source) if input_key is None else f"{source}::{input_key}"
    if scheme in known and (rest or str(source) == scheme):
        return known[scheme].open(named.partition(":")[2], split)
    require_openable(str(source))
    claims = [reader for reader in known.values() if reader.recognises(Path(source))]
    if len(claims) == 1:
        return claims[0].open(named, split)
    if (folder := find_folder(str(source))) is not None:
        raise DataError(
            f"{source} is a folder, and data are read from a file; {names_in(folder)}.",
            f"Name a file in it, such as {first_readable(folder, known.values())}.",
        )
    if claims:
        raise DataError(
            f"{source} is claimed by several readers.", f"Name one as {claims[0].scheme}:…."
        )
    raise unread(str(source), known)


def unread(source: str, known: Mapping[str, DatasetReader]) -> DataError:
    """The error for a name that is neither that of a data set nor a path that is read."""
    sets = [*(reader.scheme for reader in known.values() if reader.named), *data_folders()]
    files = ", ".join(scheme for scheme, reader in known.items() if not reader.named)
    unset = "" if "GENPROBE_DATA_DIR" in os.environ else " (GENPROBE_DATA_DIR names no folder)"
    absent = all(is_absent(path) for path in places(source))
    return DataError(
        f"There is no data set {source!r}, nor a file of that name."
        if absent
        else f"Nothing reads the data {source!r}.",
        f"{hint(source, sets)}Data sets: {', '.join(sets)}{unset}. Or name a file, if need be as "
        f"SCHEME:PATH ({files}), or python:MODULE:FUNCTION.",
    )


def first_readable(folder: Path, readers: Iterable[DatasetReader]) -> Path:
    """The first file of a folder whose name a reader knows; the first at all if there is none."""
    every = sorted(folder.iterdir())
    known = [path for path in every if any(reader.recognises(path) for reader in readers)]
    return (known or every or [folder / "data.npy"])[0]


def in_layer(source: Any, layer: str | None) -> Any:
    """Data with the layer that a model was set up on, where they have layers and none is named.

    Args:
        source: as ``open_dataset`` takes it.
        layer: that the model says; None where it does not.

    >>> in_layer("digits", "layers/counts")
    'digits'
    """
    if layer is None or not isinstance(source, str | Path) or "::" in str(source):
        return source
    known: dict[str, DatasetReader] = plugins().all("datasets")
    scheme, _, rest = str(source).partition(":")
    named = scheme in known and rest
    readers = (
        [known[scheme]] if named else [r for r in known.values() if r.recognises(Path(source))]
    )
    if not any(reader.layered for reader in readers):
        return source
    log.warning("%s is read at %s, as the model was set up.", source, layer)
    return f"{source}::{layer}"


def is_function(source: Any) -> bool:
    """Whether data are named that a function of the user's gives, which is then run.

    >>> is_function("python:mine:data"), is_function("python:"), is_function("digits")
    (True, False, False)
    """
    scheme, _, rest = str(source).partition(":")
    return isinstance(source, str | Path) and scheme == "python" and bool(rest)


def own_data(model: Model) -> Any:
    """The data that a model says it was trained on; None if it does not say.

    Raises:
        DataError: if it names a function. Most models are files, and nothing that a file names is
            run.

    Example:
        >>> from importlib.resources import as_file, files
        >>> with as_file(files("genprobe.demo") / "beta-0.9.pt") as path:
        ...     own_data(load(path))
        'digits'
    """
    source = model.training.get("data")
    if source is not None and is_function(source):
        raise DataError(
            f"The model {model.name} names a function as its data: {source}.",
            "Nothing that a file names is run. If you trust it, give it with --data.",
        )
    return source


def data_of_function(name: str) -> Any:
    """The data that a user's own function gives, or the data themselves under that name.

    Args:
        name: ``MODULE:FUNCTION``; the current folder is on the import path.

    Raises:
        DataError: if it is not there, or fails.
    """
    remedy = "Name python:MODULE:FUNCTION, of a module in the current folder or installed."
    if not all(name.rpartition(":")):
        raise DataError(f"The data python:{name} name no function.", remedy)
    found = user_function(name, "the data", DataError)
    try:
        return found() if isinstance(found, type | FunctionType) else found
    except GenprobeError:
        raise
    except Exception as error:
        raise DataError(
            f"The data python:{name} fail: {type(error).__name__}: {reason_of(error)}.", remedy
        ) from error
