"""Weights as safetensors: a file, or shards and the index that says what is in which.

    model.safetensors.index.json          {"weight_map": {"encoder.weight": SHARD, ...}}
    model-00001-of-00002.safetensors      a shard

Shards of torch's own format are named so too. The library safetensors reads the files, if it is
installed. Nothing in them can run.
"""

import importlib
import json
import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from genprobe.datasets.find import names_in
from genprobe.errors import ModelError
from genprobe.loaders.state_dicts import printable
from genprobe.runtime.untrusted import is_absent, reading, require_readable

INDEX = ".index.json"
FORBIDDEN = {"/", "\\", ":", "\0"}
"""In the name of a shard."""
AGAIN = "Check the path, or save the weights again."
SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
"""Of files of weights; in a folder those of an earlier kind are preferred."""


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file, on the CPU.

    Raises:
        ModelError: if the library is missing, or the file does not read.
    """
    try:
        library: Any = importlib.import_module("safetensors.torch")
    except ImportError as error:
        raise ModelError(
            f"{path} needs the library safetensors, which is not installed.",
            "Install it: pip install safetensors",
        ) from error
    with reading(path, "safetensors", AGAIN, ModelError):
        found: dict[str, Tensor] = library.load_file(path)
    return found


def read_shards(index: Path, read: Callable[[Path], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of all shards that an index names.

    Args:
        index: of the shards, which lie in its folder.
        read: a shard to the tensors in it.

    Raises:
        ModelError: if the index does not read, a shard is missing or elsewhere, or lacks a tensor.
    """
    found: dict[str, Tensor] = {}
    shards: dict[str, list[str]] = {}
    for key, shard in weight_map(index).items():
        shards.setdefault(shard, []).append(key)
    for shard, keys in shards.items():
        path = index.parent / shard
        if is_absent(path):
            raise ModelError(f"{index} names a shard {shard!r} that is not there.", "Fetch it too.")
        require_readable(path, "shard", error=ModelError)
        tensors = read(path)
        if not isinstance(tensors, Mapping):
            raise ModelError(f"{path} holds a {type(tensors).__name__}, no weights.", AGAIN)
        if missing := [key for key in keys if key not in tensors]:
            raise ModelError(
                f"{path} lacks {', '.join(map(printable, missing[:3]))}, which {index.name} says "
                "it holds.",
                "Fetch the shards and the index again, from one place.",
            )
        found |= {key: tensors[key] for key in keys}
    return found


def weight_map(index: Path) -> dict[str, str]:
    """Which shard holds which tensor.

    Raises:
        ModelError: if the index does not say, or names a file outside its folder.
    """
    with reading(index, "JSON", AGAIN, ModelError):
        content = json.loads(index.read_text(encoding="utf-8"))
    found = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(found, dict) or not found:
        raise ModelError(f"{index} has no weight_map: it is no index of shards.")
    for shard in found.values():
        # A Windows path is no plain name either, wherever this runs.
        plain = isinstance(shard, str) and not FORBIDDEN & {*shard} and shard not in ("", ".", "..")
        if not plain or shard.endswith(INDEX):
            raise ModelError(
                f"{index} names a shard {reprlib.repr(shard)} that is no file beside it: it is not "
                "read."
            )
    return found


def weights_in(folder: Path) -> Path:
    """The one index, or file of weights, in a folder.

    Raises:
        ModelError: if there is none, or several.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    indices = [path for path in files if path.name.endswith(INDEX)]
    shards = {shard for index in indices for shard in weight_map(index).values()}
    alone = [path for path in files if path.name not in shards]
    for suffix in SUFFIXES:
        found = [p for p in alone if p.name.removesuffix(INDEX).endswith(suffix)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ModelError(
                f"{folder} holds several files of weights: {', '.join(p.name for p in found)}.",
                f"Name one: {found[0]}",
            )
    raise ModelError(
        f"{folder} holds no weights; {names_in(folder)}.",
        f"Name a file of weights: {', '.join(SUFFIXES)}, or an index of shards.",
    )
