"""A folder of exported programs that ``genprobe.export`` wrote: a model without its code.

    metadata.json   format "genprobe.program", version 1, names of the parts, hashes of the files
    encoder.pt2     torch.export program: x (batch, *event) to the posterior's parameters
    decoder.pt2     z (batch, *latent) to the likelihood's parameters; absent without a decoder
    prior.npz       tensors of the prior; absent without any

The programs run by ``genprobe.loaders.program``, which runs nothing but tensor operations; with
trust, torch loads those that need more.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.program import read_program
from genprobe.loaders.program_archive import reading
from genprobe.types import Loader, Model, Params, with_tensors

MARK = "genprobe.program"
VERSION = 1
METADATA, ENCODER, DECODER, PRIOR = "metadata.json", "encoder.pt2", "decoder.pt2", "prior.npz"
FILES = (ENCODER, DECODER, PRIOR)
LONGEST = 1 << 20
"""Bytes of metadata that are looked at."""


class Trusted(nn.Module):
    """A program as torch loads it, which may run code.

    Args:
        path: of the .pt2 archive.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        with reading(path), warnings.catch_warnings():
            # Until 2.10 torch says so of the file it has just read itself.
            warnings.filterwarnings("ignore", "The given buffer is not writable")
            self.program = torch.export.load(path).module()
        self.dtype = next((v.dtype for v in self.program.state_dict().values()), torch.float32)

    def train(self, mode: bool = True) -> "Trusted":
        """An exported program has one mode; torch refuses to be asked."""
        return self

    def forward(self, x: Tensor) -> Any:
        """What the program makes of x.

        Raises:
            ModelError: if x is of another dtype than it was exported in, which is part of it.
        """
        if x.dtype != torch.float32:
            raise ModelError(
                f"A trusted program runs in the float32 it was exported in, not {x.dtype}.",
                "Leave --dtype float64 out; without --trust most programs run in it too.",
            )
        return self.program(x)


def load_exported(path: Path, trust: bool) -> Model:
    """The model in a folder of exported programs.

    Args:
        path: of the folder.
        trust: whether torch may load a program that could run code.

    Raises:
        ModelError: if the folder is damaged, changed or of a newer version.
        UntrustedError: if it needs trust and has none.
    """
    metadata = read_metadata(path)
    require_files(path, metadata["files"])
    for name, file in (("encoder", ENCODER), ("decoder", DECODER)):
        if metadata[name] is not None and file not in metadata["files"]:
            raise ModelError(f"{path / METADATA} names no {file}.", "Export the model again.")
    parts = nn.ModuleDict()
    for name, file in (("encoder", ENCODER), ("decoder", DECODER)):
        if metadata[name] is not None:
            parts[name] = read_part(path / file, trust)
    decodes = "decoder" in parts
    return Model(
        name=metadata["name"],
        encode=outputs_by_name(parts["encoder"], metadata["encoder"]),
        decode=outputs_by_name(parts["decoder"], metadata["decoder"]) if decodes else None,
        posterior=metadata["family"],
        prior=with_tensors(
            metadata["prior"], read_prior(path / PRIOR) if PRIOR in metadata["files"] else {}
        ),
        likelihood=metadata["likelihood"],
        module=parts,
        training=metadata["training"],
    )


def read_part(path: Path, trust: bool) -> nn.Module:
    """One program: as data where that is enough, else with trust as torch loads it."""
    try:
        return read_program(path)
    except UntrustedError:
        if not trust:
            raise
        return Trusted(path)


def outputs_by_name(program: nn.Module, names: Sequence[str]) -> Callable[[Tensor], Params]:
    """A program's outputs by name."""

    def named(x: Tensor) -> Params:
        found = program(x)
        if len(found) != len(names):
            raise ModelError(
                f"The exported program returns {len(found)} tensors where its metadata names "
                f"{len(names)}.",
                "Export the model again.",
            )
        return dict(zip(names, found, strict=True))

    return named


def read_metadata(path: Path) -> dict[str, Any]:
    """What a folder says of its model.

    Raises:
        ModelError: if it does not read, is of a newer version, or lacks something.
    """
    try:
        found = json.loads((path / METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path / METADATA} does not read as JSON: {error}.") from error
    if not isinstance(found, dict) or found.get("format") != MARK:
        raise ModelError(f"{path} is not a folder that genprobe.export wrote.")
    version = found.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ModelError(
            f"The exported model {path} has version {version}; this genprobe reads {VERSION}.",
            "Upgrade genprobe.",
        )
    for key, sort in FIELDS.items():
        if key not in found or not isinstance(found[key], sort):
            raise ModelError(f"{path / METADATA} has no valid {key}.", "Export the model again.")
    for part in ("encoder", "decoder"):
        names = found[part] or []
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise ModelError(f"{path / METADATA} has no valid {part}.", "Export the model again.")
    return found


FIELDS: Mapping[str, Any] = {
    "name": str,
    "family": str,
    "prior": str,
    "likelihood": str | None,
    "encoder": list,
    "decoder": list | None,
    "training": dict,
    "files": dict,
}
"""What the metadata must say, and of which type."""


def require_files(path: Path, hashes: Mapping[str, str]) -> None:
    """Check that a folder holds the files it names, unchanged, and no other.

    Raises:
        ModelError: naming the first that does not fit.
    """
    there = {entry.name for entry in path.iterdir()}
    for name in sorted(there ^ {METADATA, *hashes}):
        problem = "holds a file that its metadata does not name" if name in there else "lacks"
        raise ModelError(f"The exported model {path} {problem}: {name}.", "Export it again.")
    for name, wanted in hashes.items():
        if (
            name not in FILES
            or not (path / name).is_file()
            or not re.fullmatch(r"[0-9a-f]{64}", str(wanted))
        ):
            raise ModelError(f"{path / METADATA} names {name}, which is no part of a model.")
        if hash_file(path / name) != wanted:
            raise ModelError(
                f"{path / name} is not the file that was exported: its hash differs.",
                "Copy the folder again, or export the model again.",
            )


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_prior(path: Path) -> dict[str, Tensor]:
    """The prior's tensors."""
    with reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive.files}


def recognises(path: Path) -> bool:
    """Whether a folder's metadata is that of exported programs."""
    try:
        if not (path / METADATA).is_file():  # a pipe would wait
            return False
        with (path / METADATA).open("rb") as file:
            return f'"{MARK}"'.encode() in file.read(LONGEST)
    except OSError:
        return False


exported = Loader(scheme="exported", recognises=recognises, load=load_exported)
