"""From an autoencoder's module to a model: the range of pixels, and p(x|z) around the image.

Data lie in [0, 1], as genprobe reads bytes, where the autoencoder's own range is [−1, 1]: x goes in
as 2x − 1, and the decoder's image comes out as (image + 1) / 2, not clamped.

What an autoencoder of diffusers was trained with, L1 + LPIPS + an adversary, is no likelihood. Two
readings of its image are:

- ``OPTIMAL_NORMAL``: a normal whose one scale suits the whole data set best. Of all normals around
  the image it gives the smallest distortion.
- ``LAPLACE``: a Laplace of scale ½, which is 1 in the autoencoder's range. Its −log p(x|z) is
  exactly the L1 term of the loss, Σ|image − (2x − 1)|: the constant log 2·½ is 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.likelihoods import require_unit_interval
from genprobe.plugins import plugins
from genprobe.types import Likelihood, Model, Notice, Params
from genprobe_diffusers.codings import Coding

HALF = 0.5
"""The Laplace scale in [0, 1] that is 1 in [−1, 1]: the loss's log-variance stays at 0."""
CACHED = 1 << 20
"""Values of the widest activation that a CPU works on at a time: larger ones leave its caches."""
HELD = 1 << 26
"""The same of any other device, whose memory is the limit."""


class Pixels(NamedTuple):
    """How the decoder's image is read as a likelihood.

    likelihood: the registered name of one of an image in [0, 1].
    parameters: the decoder's image (batch, channels, height, width) in [0, 1] to what it needs.
    """

    likelihood: str
    parameters: Callable[[Tensor], Params]


def of_images(name: str) -> Likelihood:
    """The registered likelihood of that name, for data in [0, 1] only."""
    likelihood: Likelihood = plugins().get("likelihoods", name)

    def support(x: Tensor) -> Notice | None:
        remedy = "Scale the data to [0, 1]; the plugin takes them to the autoencoder's [−1, 1]."
        require_unit_interval(likelihood.name, x, remedy)
        return likelihood.support(x)

    return replace(likelihood, support=support)


OPTIMAL_NORMAL = Pixels("normal-optimal-sigma", lambda image: {"loc": image})
LAPLACE = Pixels("laplace", lambda image: {"loc": image, "scale": image.new_tensor(HALF)})


def as_model(
    name: str, module: Any, coding: Coding, pixels: Pixels, facts: Mapping[str, Any]
) -> Model:
    """The model of an autoencoder.

    Args:
        name: what tables call it.
        module: of diffusers.
        coding: what its encoder gives, and how it decodes.
        pixels: how its image is read as a likelihood.
        facts: plain facts to keep with a store.
    """
    smaller = shrinkage(module)

    def encode(x: Tensor) -> Params:
        require_images(x, module.config.in_channels, smaller)
        return piecewise(
            lambda some: coding.encode(2 * some - 1), x, width(module) * x[0, 0].numel()
        )

    def decode(z: Tensor) -> Params:
        places = z.shape[-2:].numel() * smaller**2
        image = piecewise(lambda some: {"image": coding.decode(some)}, z, width(module) * places)
        return pixels.parameters((image["image"] + 1) / 2)

    return Model(
        name=name,
        encode=encode,
        decode=decode,
        posterior=coding.family,
        prior=coding.prior,
        likelihood=of_images(pixels.likelihood),
        # Alone, it would warn of every change of dtype.
        module=torch.nn.ModuleList([module]),
        training={"channels": module.config.in_channels, **facts},
        codebook=coding.codebook,
    )


def piecewise(function: Callable[[Tensor], Params], rows: Tensor, values: int) -> Params:
    """A function of many rows, so many at a time as its activations leave room for.

    Args:
        function: rows (some, ...) to tensors by name, each (some, ...).
        rows: (batch, ...).
        values: of the widest activation of one row.
    """
    room = CACHED if rows.device.type == "cpu" else HELD
    parts = [function(some) for some in rows.split(max(1, room // values))]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def width(module: Any) -> int:
    """Channels of the activations as large as an image."""
    first = next(m for m in module.encoder.modules() if isinstance(m, torch.nn.Conv2d))
    return first.out_channels


def shrinkage(module: Any) -> int:
    """How many pixels of an image, along one side, become one of the latent grid."""
    config = module.config
    blocks = config.get("down_block_types") or config.encoder_block_out_channels
    return int(2 ** (len(blocks) - 1))


def require_images(x: Tensor, channels: int, multiple: int) -> None:
    """Check that data are images that the encoder takes, and that the decoder gives back.

    Raises:
        ModelError: if they are not (channels, height, width), or a side is not a multiple.
    """
    if x.dim() != 4 or x.shape[1] != channels:
        raise ModelError(
            f"The autoencoder takes images ({channels}, height, width); the data's are "
            f"{tuple(x.shape[1:])}.",
            "Give images with as many channels.",
        )
    if any(side % multiple for side in x.shape[2:]):
        raise ModelError(
            f"The autoencoder shrinks images by {multiple}; the data's, {x.shape[2]} × "
            f"{x.shape[3]}, would not come back the same size.",
            f"Give sides that are multiples of {multiple}, such as images:FOLDER::"
            f"{max(1, min(x.shape[2:]) // multiple) * multiple}.",
        )
