"""Folders that diffusers saved an unconditional pipeline to: a UNet2DModel and its scheduler.

The bound is that of the chain the network was trained on, with all its steps; whichever sampler
the scheduler is of, its noise schedule and what the network predicts are those of its config. The
reverse variance is the config's, as ancestral sampling takes it. Only weights are read, never code.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genprobe import diffusion_prior
from genprobe.errors import GenprobeError, ModelError
from genprobe.loaders import reading, require_readable
from genprobe.types import Diffusion, Loader, Model
from genprobe_diffusers.loader import load as load_autoencoder
from genprobe_diffusers.loader import read_config, read_module
from genprobe_diffusers.noise_schedule import levels

if TYPE_CHECKING:
    from torch.nn import Module

NETWORK, SCHEDULER, INDEX = "unet", "scheduler", "model_index.json"
AUTOENCODERS = ("vae", "vqvae")
"""Where a pipeline has an autoencoder, in whose latents its network then works."""
CLASS = "UNet2DModel"
PREDICTS = {"epsilon": "noise", "sample": "x", "v_prediction": "v"}
VARIANCES = {
    "fixed_small": "posterior",
    "fixed_small_log": "posterior",
    "fixed_large": "upper",
    "fixed_large_log": "upper",
    "learned_range": "learned",
}
"""What diffusers calls the variances of reverse steps; a scheduler without any has the posterior's.
"""
CENTRE, HALF = 0.5, 0.5
"""Pixels in [0, 1] are 0.5 + 0.5 x_0: networks of images work in [−1, 1]."""
AGAIN = "Name the folder that save_pretrained of an unconditional pipeline wrote."


def load(path: Path) -> Model:
    """The diffusion model of an unconditional pipeline's folder.

    With its KL autoencoder beside it, it is the prior of that autoencoder's codes, and the rate is
    of both. Without one that this plugin reads, a latent pipeline is a model of latents, which are
    then the data.

    Args:
        path: of the folder.

    Raises:
        ModelError: if it holds no such pipeline, or its config or its weights do not fit.
        UntrustedError: if its weights are a pickle that would run code.
    """
    config, scheduler = read_network(path), read_scheduler(path)
    network = read_module(path / NETWORK, CLASS)
    latent = any((path / part).is_dir() for part in AUTOENCODERS)
    chosen = chain_facts(scheduler)
    alpha, sigma = levels(scheduler)
    clips = scheduler.get("clip_sample") and not latent
    chain = Diffusion(
        alpha=alpha,
        sigma=sigma,
        denoise=denoiser(network, chosen["variance"], log_variances(alpha, sigma)),
        clip=float(scheduler.get("clip_sample_range", 1.0)) if clips else None,
        mean=0.0 if latent else CENTRE,
        std=1.0 if latent else HALF,
        **chosen,
    )
    facts = {"class": CLASS, "scheduler": str(scheduler.get("_class_name"))}
    if (path / AUTOENCODERS[0]).is_dir():
        return with_autoencoder(path, chain, network, config, facts)
    return Model(
        name=path.resolve().name,
        diffusion=chain,
        likelihood="normal" if latent else "discretised-normal",
        module=network,
        training=facts,
    )


def read_network(path: Path) -> Mapping[str, Any]:
    """The config of a pipeline's network.

    Raises:
        ModelError: if it takes more than a state and its step.
    """
    config = read_config(path / NETWORK)
    name = config.get("_class_name")
    if name != CLASS:
        raise ModelError(
            f"{path} holds a {name}, which is given more than x_t and t.",
            f"Pipelines of a {CLASS} are read.",
        )
    if config.get("class_embed_type") or config.get("num_class_embeds"):
        raise ModelError(
            f"The network of {path} is conditional on a class.",
            "Give a Model with diffusion=Diffusion(…) whose denoise has the class in it.",
        )
    return config


def with_autoencoder(
    path: Path,
    chain: Diffusion,
    network: "Module",
    config: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Model:
    """The autoencoder of a pipeline, with its diffusion model as the prior of its codes.

    Args:
        path: of the pipeline.
        chain: on codes that are shifted and scaled as the config of the autoencoder says.
        network: of the chain.
        config: of the network.
        facts: of the pipeline.

    Raises:
        ModelError: if the autoencoder is none that is read, or the config says no shape of a code.
    """
    base = load_autoencoder(path)
    size = config.get("sample_size")
    if not isinstance(size, int | list | tuple):
        raise ModelError("The config of the network does not say the size of a code.", AGAIN)
    height, width = (size, size) if isinstance(size, int) else size
    scaled = replace(
        chain,
        mean=float(base.training.get("shift_factor", 0.0)),
        std=1 / float(base.training.get("scaling_factor", 1.0)),
    )
    shape = (int(config["in_channels"]), int(height), int(width))
    prior = diffusion_prior(scaled, shape, module=network)
    return replace(base, prior=prior, training={**base.training, **facts})


def read_scheduler(path: Path) -> Mapping[str, Any]:
    """The config of a pipeline's scheduler.

    Raises:
        ModelError: if there is none, or it is no JSON object.
    """
    file = path / SCHEDULER / "scheduler_config.json"
    require_readable(file, "config of a scheduler", error=ModelError)
    with reading(file, "the config of a scheduler", AGAIN, ModelError):
        content = json.loads(file.read_bytes())
    if not isinstance(content, Mapping):
        raise ModelError(f"{file} is not a JSON object.", "Save the pipeline again.")
    if content.get("thresholding"):
        raise ModelError(
            "The scheduler clips by quantiles of each x̂ (thresholding).",
            "Set it to false in its config: the bound is then that of plain sampling.",
        )
    return content


def chain_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the network predicts, and the reverse variance.

    Raises:
        ModelError: if the config names another.
    """
    predicts = config.get("prediction_type", "epsilon")
    variance = config.get("variance_type", "fixed_small")
    for what, given, known in (
        ("prediction type", predicts, PREDICTS),
        ("variance type", variance, VARIANCES),
    ):
        if given not in known:
            raise ModelError(
                f"The scheduler has the {what} {given!r}.", f"Read are {', '.join(known)}."
            )
    return {"predicts": PREDICTS[predicts], "variance": VARIANCES[variance]}


def denoiser(
    network: Callable[..., Any], variance: str, ends: tuple[Tensor, Tensor]
) -> Callable[[Tensor, Tensor], Any]:
    """The network as genprobe calls one; learned variances as their logarithms.

    A network that learns them has twice the channels, the second half a share v in [−1, 1]: the
    log-variance is (v + 1)/2 of the way from the posterior's to β_t (Nichol & Dhariwal 2021).
    """

    def denoise(x: Tensor, t: Tensor) -> Any:
        found = network(x, t).sample
        if variance != "learned":
            return found
        prediction, share = found.chunk(2, 1)
        low, high = (each[t.cpu()].to(x)[:, None, None, None] for each in ends)
        return prediction, torch.lerp(low, high, (share + 1) / 2)

    return denoise


def log_variances(alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of the least and the largest reverse variance of each step, (T,).

    The posterior's, and σ²_{t|s}, which is β_t; of the last step to the data both are σ_0².
    """
    before = torch.cat([sigma[:1], sigma[:-1]])
    ratio = (alpha / sigma).square()
    lost = torch.cat([torch.ones_like(sigma[:1]), 1 - ratio[1:] / ratio[:-1]])
    return (lost * before.square()).log(), (lost * sigma.square()).log()


def recognises(path: Path) -> bool:
    """Whether a folder is of a pipeline with such a network and no autoencoder."""
    if not (path / INDEX).is_file() or any((path / part).is_dir() for part in AUTOENCODERS):
        return False
    try:
        return read_config(path / NETWORK).get("_class_name") == CLASS
    except GenprobeError:
        return False


def load_safely(path: Path, trust: bool) -> Model:
    """As ``load``; trust changes nothing, because nothing in the folder ever runs."""
    return load(path)


pipelines = Loader(scheme="diffusion-pipeline", recognises=recognises, load=load_safely)
