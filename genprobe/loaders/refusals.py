"""What a path is that no loader reads as a model, why it is not loaded, and what to do."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from genprobe.datasets.find import names_in
from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.inspect import FileKind, inspect_file
from genprobe.loaders.posteriors import SUFFIXES as POSTERIORS
from genprobe.loaders.safetensors import INDEX
from genprobe.loaders.safetensors import SUFFIXES as WEIGHTS
from genprobe.loaders.stand_ins import read_with_stand_ins, replaced
from genprobe.loaders.state_dicts import describe, printable, state_dicts
from genprobe.loaders.tensors import read_weights
from genprobe.plugins import plugins
from genprobe.types import Model

THREE_WAYS = (
    "Give its model with --factory MODULE:FACTORY, save it with genprobe.save, or install a plugin "
    "that reads it."
)


BEGIN = ("genprobe", "new-model", "mymodel.py", "--for")
"""The command that writes the file of a factory whose network has the layers of a checkpoint."""


def refuse(path: Path) -> Model:
    """Say what a file is and why it is not loaded.

    Raises:
        ModelError: always.
    """
    if path.is_dir():
        raise ModelError(
            f"{path} is a folder, and no plugin reads it: {names_in(path)}.",
            models_in(path) or f"Name a file in it. {THREE_WAYS}",
        )
    kind = inspect_file(path)
    inert = kind.kind == "pickle" and not replaced(kind.foreign)
    if inert or kind.kind in ("tensors", "safetensors") or path.name.endswith(INDEX):
        content = read_weights(path)
        flat = isinstance(content, Mapping) and all(isinstance(v, Tensor) for v in content.values())
        what = "a bare state dict" if flat else "a checkpoint"
        raise ModelError(
            f"{path} is {what}: it names no architecture. It holds {describe(content)}.",
            three_ways(path),
        )
    raise refusal(path, kind)


def three_ways(path: Path) -> str:
    """What to do about weights, with the command that begins their factory."""
    begin = shlex.join([*BEGIN, str(path)])
    return THREE_WAYS.replace("FACTORY,", f"FACTORY (begin one: {begin}),")


def models_in(folder: Path, most: int = 4) -> str:
    """The files in a folder that may be models, as a hint at one; empty if there is none."""
    named = (*WEIGHTS, *POSTERIORS, ".pt2", ".th", ".pkl")
    found = [path for path in sorted(folder.iterdir()) if path.name.endswith(named)]
    if not found:
        return ""
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return f"Name a model in it: {', '.join(map(str, found[:most]))}{more}."


def refusal(path: Path, kind: FileKind) -> ModelError:
    """The error for a file that would run code, or is no checkpoint at all."""
    if kind.kind == "pickle":
        held = contents(path)
        named = ", ".join(printable(name) for name in kind.foreign[:3])
        return UntrustedError(
            f"{path} is a pickled object: loading would run code ({named}){held}.",
            f"{(three_ways(path) if held else THREE_WAYS)[:-1]}; --trust unpickles a "
            "genprobe.Model.",
        )
    if kind.kind == "exported":
        return UntrustedError(
            f"{path} is an exported program: loading it would run code in it, and it is one part "
            "of a model.",
            "Write the whole model with genprobe.export, and evaluate the folder that it makes.",
        )
    remedy = "Check the path."
    if any(reader.recognises(path) for reader in plugins().all("datasets").values()):
        remedy = f"If it holds data, give it to a model: genprobe evaluate MODEL --data {path}"
    if path.suffix == ".h5ad":
        remedy = "Install genprobe-scvi, which reads .h5ad files as data and as kept posteriors."
    return ModelError(f"{path} is not a checkpoint: {kind.detail}.", remedy)


def contents(path: Path) -> str:
    """What else a pickled file holds, in words; its tensors read without running any code."""
    try:
        content = read_with_stand_ins(path)
    except ModelError:
        return ""
    return f". It holds {describe(content)}" if state_dicts(content) else ""
