"""TorchScript archives, which hold code: loaded only with trust.

The scripted module has the methods

    encode(x: Tensor) -> Dict[str, Tensor]        parameters of q(z|x)
    decode(z: Tensor) -> Dict[str, Tensor]        parameters of p(x|z); absent without a decoder
    prior_params() -> Dict[str, Tensor]           tensors of the prior; absent without any

and the archive an extra file ``genprobe.json`` that names the rest: ``name``, ``family``,
``prior``, ``likelihood`` and ``training``, of which ``family`` alone has no default. In Python:

    torch.jit.save(scripted, "model.pt", _extra_files={"genprobe.json": json.dumps({...})})
"""

import json
import warnings
from pathlib import Path
from typing import Any

import torch

from genprobe.errors import ModelError, UntrustedError, reason_of
from genprobe.loaders.facts import require_facts
from genprobe.loaders.inspect import inspect_file
from genprobe.runtime.checked_zip import checked_zip
from genprobe.runtime.untrusted import reading
from genprobe.types import Loader, Model, Params, with_tensors

METADATA = "genprobe.json"
PRIOR = "standard-normal"
HOW = f"Scripted modules need methods encode and decode and an extra file {METADATA}."


def load_torchscript(path: Path, trust: bool) -> Model:
    """The model in a TorchScript archive.

    Args:
        path: of the archive.
        trust: whether its code may run.

    Raises:
        UntrustedError: without trust.
        ModelError: if it does not say what its parts are, or does not load.
    """
    if not trust:
        raise UntrustedError(
            f"{path} is a TorchScript archive: loading it would run code in it.",
            "Say that it may with --trust, or write the model with genprobe.export.",
        )
    metadata = read_metadata(path)
    try:
        with warnings.catch_warnings():
            # The archive is there whatever torch has deprecated since.
            warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
            module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:  # damaged code makes the compiler raise almost anything
        raise ModelError(
            f"{path} does not load as TorchScript: {reason_of(error)}.", "Script it again."
        ) from error
    if not hasattr(module, "encode"):
        raise ModelError(f"{path} has no method encode.", HOW)
    decodes = hasattr(module, "decode")
    return Model(
        name=metadata.get("name") or path.stem,
        encode=module.encode,
        decode=module.decode if decodes else None,
        posterior=metadata["family"],
        prior=with_tensors(metadata.get("prior") or PRIOR, prior_params(path, module)),
        likelihood=metadata.get("likelihood"),
        module=module,
        training=metadata["training"],
    )


def prior_params(path: Path, module: Any) -> Params:
    """The tensors of the prior that a module gives."""
    if not hasattr(module, "prior_params"):
        return {}
    with reading(path, "a module with prior_params", HOW, ModelError), torch.no_grad():
        return {name: values.detach().clone() for name, values in module.prior_params().items()}


def read_metadata(path: Path) -> dict[str, Any]:
    """What an archive says of its parts; nothing in it runs.

    Raises:
        ModelError: if it says nothing, or no family.
    """
    with reading(path, "a TorchScript archive", HOW, ModelError), checked_zip(path) as archive:
        members = [n for n in archive.namelist() if n.endswith(f"/extra/{METADATA}")]
        found = json.loads(archive.read(members[0])) if members else None
    if found is None:
        raise ModelError(f"{path} does not say what its parts are.", HOW)
    if not isinstance(found, dict) or not isinstance(found.get("family"), str):
        raise ModelError(f"{METADATA} in {path} names no family.", HOW)
    for part in ("name", "prior", "likelihood"):
        if not isinstance(found.get(part), str | None):
            raise ModelError(f"{METADATA} in {path} has a {part} that is no string.", HOW)
    require_facts(found.setdefault("training", {}), f"{METADATA} in {path}")
    return found


def recognises(path: Path) -> bool:
    """Whether a file is a zip archive with TorchScript code."""
    return path.is_file() and inspect_file(path).kind == "torchscript"


torchscript = Loader(scheme="torchscript", recognises=recognises, load=load_torchscript)
