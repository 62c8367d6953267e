"""The .pt2 archive of an exported program: its members, and its weights as raw bytes."""

import contextlib
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genprobe.errors import GenprobeError, ModelError, UntrustedError, reason_of
from genprobe.loaders.program_schema import DTYPES, STRIDED

WEIGHTS, CONSTANTS, GRAPH = (
    "data/weights/model_weights_config.json",
    "data/constants/model_constants_config.json",
    "models/model.json",
)
MEMBERS = re.compile(
    r"data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)"
    r"|models/model\.json|data/sample_inputs/model\.pt"
    r"|archive_format|archive_version|byteorder|\.data/(version|serialization_id)"
)

AGAIN = "Export it again."
SHOWN, SMALL = 16, 1 << 24
"""Weights may repeat their bytes, as expanded tensors do, this often, and this many bytes more."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what damaged bytes raise into one clear line."""
    try:
        yield
    except GenprobeError:
        raise
    except Exception as error:  # almost anything
        raise ModelError(
            f"{path} does not read as an exported program: {type(error).__name__}: "
            f"{reason_of(error)}.",
            AGAIN,
        ) from error


def untrusted(path: Path, reason: str) -> UntrustedError:
    """The error for a program that asks for more than listed operations."""
    return UntrustedError(
        f"{path} {reason}.", "Say that it may: --trust loads it with torch.export.load."
    )


def require_members(path: Path, archive: zipfile.ZipFile) -> str:
    """Check what an archive holds; returns the folder inside it that holds all.

    Raises:
        UntrustedError: naming a member that no program of tensors has.
    """
    names = archive.namelist()
    if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
        raise ModelError(
            f"{path} unpacks to more than its size, and torch does not compress a program.",
            AGAIN,
        )
    root = names[0].split("/")[0] + "/"
    for name in names:
        if not name.startswith(root) or not MEMBERS.fullmatch(name.removeprefix(root)):
            raise untrusted(path, f"holds {name}, which torch.export.load may run")
    if len(set(names)) < len(names):
        raise untrusted(path, "holds two members of one name")
    for name, wanted in (("archive_format", b"pt2"), ("byteorder", b"little")):
        if archive.read(root + name) != wanted:
            raise ModelError(f"{path} is not an exported program of this layout: {name}.")
    return root


def read_payloads(
    path: Path, archive: zipfile.ZipFile, root: str, config: str
) -> dict[str, Tensor]:
    """The tensors that a config names, from their raw bytes.

    Raises:
        UntrustedError: if one would be unpickled.
    """
    folder = root + config.rpartition("/")[0]
    flat: dict[str, bytearray] = {}
    found: dict[str, Tensor] = {}
    left = SHOWN * path.stat().st_size + SMALL
    for name, payload in json.loads(archive.read(root + config))["config"].items():
        member, meta = f"{folder}/{payload['path_name']}", payload["tensor_meta"]
        if payload["use_pickle"] is not False or meta is None:
            raise untrusted(path, f"holds {name} as a pickle, which torch.export.load would run")
        if member not in flat:
            flat[member] = bytearray(archive.read(member))
        found[name] = tensor_of(flat[member], meta)
        left -= found[name].numel() * found[name].element_size()
        if left < 0:
            raise ModelError(f"{path} has weights of over {SHOWN} times its size: {name}.", AGAIN)
    return found


def tensor_of(content: bytearray, meta: Mapping[str, Any]) -> Tensor:
    """A strided tensor over raw bytes; torch checks that it stays inside them."""
    sizes, strides = ([int(n["as_int"]) for n in meta[k]] for k in ("sizes", "strides"))
    dtype = DTYPES[meta["dtype"]]
    if meta["layout"] != STRIDED:
        raise ValueError("its tensors are not strided")
    if not math.prod(sizes):
        return torch.empty(sizes, dtype=dtype)
    flat = torch.frombuffer(content, dtype=dtype)
    return flat.as_strided(sizes, strides, int(meta["storage_offset"]["as_int"]))
