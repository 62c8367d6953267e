"""Folders that diffusers saved an autoencoder of images to, alone or as ``vae`` of a pipeline.

q(z|x) is a diagonal normal over a grid z (channels, height, width), a point there, or indices of a
codebook, as the class has it. z is what the decoder takes. The scaling factor and shift of the
config are for the diffusion model that comes after: they are noted, and not applied.

Only weights are read, never code. Nothing is fetched but what ``diffusers:ORG/NAME`` names, where
there is no such folder. diffusers itself is imported once a folder is loaded, not before.
"""

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genprobe.errors import GenprobeError, ModelError, UntrustedError, reason_of
from genprobe.loaders import inspect_file, reading, require_intact, require_readable
from genprobe.types import Loader, Model
from genprobe_diffusers.codings import READ
from genprobe_diffusers.hub import download, on_hub, revision_of
from genprobe_diffusers.pixels import OPTIMAL_NORMAL, Pixels, as_model

if TYPE_CHECKING:
    from torch.nn import Module

log = logging.getLogger("genprobe")

CONFIG = "config.json"
PIPELINE = "model_index.json"
PART = "vae"
"""Where a pipeline's folder has its autoencoder."""
WEIGHTS = "diffusion_pytorch_model"
SHARD = r"(-\d{5}-of-\d{5})?"
FILE = re.compile(
    rf"{WEIGHTS}(\.(?P<variant>[\w-]*?\w))?{SHARD}(\.(?P<late>\w+))?\.(?P<kind>safetensors|bin)"
)
"""``diffusion_pytorch_model.fp16-00001-of-00002.safetensors``; earlier the variant came last."""
REASONS = {
    "AutoencoderRAE": "its encoder is a pretrained network of vision that scales images by itself",
    "ConsistencyDecoderVAE": "its decoder is a diffusion model and has no likelihood",
}
NO_IMAGES = "it is not an autoencoder of images that this plugin reads"
NOTED = ("scaling_factor", "shift_factor", "latents_mean", "latents_std")


def load(path: Path, pixels: Pixels = OPTIMAL_NORMAL) -> Model:
    """The autoencoder of a folder.

    Args:
        path: of a folder with ``config.json``, or of a pipeline's; or ``ORG/NAME`` of the hub, if
            there is no such folder.
        pixels: how the decoder's image is read as a likelihood.

    Raises:
        ModelError: if it holds no autoencoder that is read, or its weights do not fit.
        UntrustedError: if its weights are a pickle that would run code.
    """
    named = on_hub(path)
    folder = part_of(download(named) if named else path)
    config = read_config(folder)
    name = str(config.get("_class_name"))
    if name not in READ:
        reason = REASONS.get(name, NO_IMAGES)
        raise ModelError(f"{folder} holds a {name}: {reason}.", f"Classes read: {', '.join(READ)}.")
    facts = {"class": name} | {k: config[k] for k in NOTED if config.get(k) is not None}
    if named:
        facts |= {"hub": named, "revision": revision_of(folder)}
    module = read_module(folder, name)
    return as_model(path.resolve().name, module, READ[name](module), pixels, facts)


def part_of(path: Path) -> Path:
    """The folder of the autoencoder itself: a pipeline keeps it in a subfolder."""
    return path / PART if (path / PIPELINE).is_file() else path


def read_config(folder: Path) -> Mapping[str, Any]:
    """What diffusers wrote of the class and its arguments.

    Raises:
        ModelError: if there is none, or it is no JSON object.
    """
    path = folder / CONFIG
    require_readable(path, "config of a diffusers model", error=ModelError)
    remedy = "Name the folder that save_pretrained wrote."
    with reading(path, "the config of a diffusers model", remedy, ModelError):
        content = json.loads(path.read_bytes())
    if not isinstance(content, Mapping):
        raise ModelError(f"{path} is not a JSON object.", "Save the model again.")
    return content


def read_module(folder: Path, name: str) -> "Module":
    """The module of a folder, every weight of it from the file.

    Raises:
        ModelError: if a weight is missing, left over or of another shape, or the file is damaged.
        UntrustedError: if the file is a pickle that would run code.
    """
    import diffusers

    safe, variant = require_weights(folder)
    try:
        module, found = getattr(diffusers, name).from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=safe,
            variant=variant,
            low_cpu_mem_usage=False,
            output_loading_info=True,
        )
    except Exception as error:  # a config can hold anything, and a damaged file raise anything
        raise ModelError(
            f"{folder} does not load as {name}: {reason_of(error)}.", "Save the model again."
        ) from error
    faults = {kind: found[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    for kind, keys in faults.items():
        if keys:
            raise ModelError(
                f"The weights in {folder} do not fit its config: {kind.replace('_', ' ')} "
                f"{', '.join(map(str, sorted(keys)[:3]))}.",
                "Save the model again.",
            )
    return module.requires_grad_(False)


def require_weights(folder: Path) -> tuple[bool, str | None]:
    """Which weights of a folder are taken: whether they are safetensors, and the variant.

    Those without a variant are taken before others, and safetensors before a pickle.

    Raises:
        ModelError: if there are none, or only several variants, or a pickle is damaged.
        UntrustedError: if they are a pickle that would run code.
    """
    names = [path.name for path in folder.iterdir()]
    found = {named for name in names if (named := variant_of(name)) is not None}
    if not found:
        raise ModelError(
            f"{folder} has no weights: neither {WEIGHTS}.safetensors nor {WEIGHTS}.bin.",
            "Name the folder that save_pretrained wrote.",
        )
    variants = {variant for _, variant in found}
    if "" not in variants and len(variants) > 1:
        raise ModelError(
            f"{folder} has weights of the variants {', '.join(sorted(variants))} and none without.",
            "Keep one of them in a folder with the config.",
        )
    variant = "" if "" in variants else variants.pop()
    safe = ("safetensors", variant) in found
    if not safe:
        require_tensors(folder)
    if variant:
        log.warning("%s has its weights as the variant %s, which is taken.", folder, variant)
    return safe, variant or None


def variant_of(name: str) -> tuple[str, str] | None:
    """Format and variant of a file of weights, or of one shard of them; None of any other.

    >>> variant_of("diffusion_pytorch_model.fp16.safetensors")
    ('safetensors', 'fp16')
    >>> variant_of("diffusion_pytorch_model-00001-of-00002.bin")
    ('bin', '')
    """
    found = FILE.fullmatch(name)
    return None if found is None else (found["kind"], found["variant"] or found["late"] or "")


def require_tensors(folder: Path) -> None:
    """Check that the pickles of a folder hold nothing but tensors.

    Raises:
        ModelError: if one holds anything else.
        UntrustedError: if one would run code.
    """
    for path in sorted(folder.glob(f"{WEIGHTS}*.bin")):
        kind = inspect_file(path)
        if kind.kind == "pickle":
            raise UntrustedError(
                f"{path} is a pickle that would run code ({', '.join(kind.foreign[:3])}); it is "
                "never loaded.",
                "Save the model with safe_serialization=True where you trust the file.",
            )
        if kind.kind != "tensors":
            detail = kind.detail or f"it is {kind.kind}"
            raise ModelError(f"{path} holds no weights: {detail}.", "Save the model again.")
        with reading(path, "weights", "Save the model again.", ModelError):
            require_intact(path)


def recognises(path: Path) -> bool:
    """Whether a folder's config says that diffusers wrote it."""
    if not path.is_dir():
        return False
    try:
        content = read_config(part_of(path))
    except GenprobeError:
        return False
    return {"_class_name", "_diffusers_version"} <= content.keys()


def load_safely(path: Path, trust: bool) -> Model:
    """As ``load``; trust changes nothing, because nothing in the folder ever runs."""
    return load(path)


diffusers = Loader(scheme="diffusers", recognises=recognises, load=load_safely)
