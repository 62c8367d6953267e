"""Autoencoders on the Hugging Face hub, ``diffusers:ORG/NAME``: fetched once, then read as folders.

huggingface_hub, which diffusers itself fetches with, gets the config and weights in safetensors,
and nothing else: no pickle and no code. What it has in its cache it does not fetch again, and with
HF_HUB_OFFLINE=1 it reads from there alone.
"""

import re
from pathlib import Path

from genprobe.errors import ModelError, reason_of

NAME = re.compile(r"[\w.-]+/[\w.-]+")
PLACES = ("", "vae/")
"""Where a repository has its autoencoder: at its top, or as a pipeline."""
PLAIN = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model-*-of-*.safetensors")
VARIANTS = ("diffusion_pytorch_model*.safetensors",)


def on_hub(path: Path) -> str | None:
    """The name of a repository; None of what is there, or cannot be such a name.

    >>> on_hub(Path("stabilityai/sd-vae-ft-mse"))
    'stabilityai/sd-vae-ft-mse'
    >>> on_hub(Path("/stabilityai/sd-vae-ft-mse")) is None
    True
    """
    name = path.as_posix()
    return name if NAME.fullmatch(name) and not path.exists() else None


def download(name: str) -> Path:
    """The folder of a repository, with its config and weights; a variant's where there is no other.

    Raises:
        ModelError: if it cannot be fetched, or holds no weights in safetensors.
    """
    for weights in (PLAIN, VARIANTS):
        folder = fetch(
            name, ("model_index.json", *in_places("config.json", "*.index.json", *weights))
        )
        if any(folder.glob("*.safetensors")) or any(folder.glob("vae/*.safetensors")):
            return folder
    raise ModelError(
        f"{name} on the hub has no autoencoder in safetensors, at its top or in vae/.",
        "Name a repository that save_pretrained wrote, or download it and name the folder.",
    )


def in_places(*patterns: str) -> list[str]:
    """Patterns of files at the top of a repository, and in a pipeline's autoencoder."""
    return [place + pattern for place in PLACES for pattern in patterns]


def fetch(name: str, patterns: tuple[str, ...]) -> Path:
    """Those files of a repository, from the cache or the network.

    Raises:
        ModelError: if there is no folder of that name, and the hub does not give it.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns)))
    except Exception as error:  # of the network, the name, the cache or a licence
        raise ModelError(
            f"There is no folder {name}, and the hub gives none: {reason_of(error)}",
            "Check the name and the network, or download it and name the folder.",
        ) from error


def revision_of(folder: Path) -> str:
    """The commit that a folder of the hub's cache is of."""
    parts = folder.parts
    return (
        parts[len(parts) - 1 - parts[::-1].index("snapshots") + 1] if "snapshots" in parts else ""
    )
