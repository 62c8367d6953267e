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


def as_model(name: str, module: Any, pixels: Pixels, facts: Mapping[str, Any]) -> Model:
    """The model of an autoencoder.

    Args:
        name: what tables call it.
        module: with diffusers' ``encode`` and ``decode``.
        pixels: how its image is read as a likelihood.
        facts: plain facts to keep with a store.
    """

    def posterior(x: Tensor) -> tuple[Tensor, Tensor]:
        q = module.encode(2 * x - 1).latent_dist
        return q.mean, q.std

    def image(z: Tensor) -> tuple[Tensor]:
        return ((module.decode(z).sample + 1) / 2,)

    def encode(x: Tensor) -> Params:
        require_images(x, module.config.in_channels, shrinkage(module))
        loc, scale = piecewise(posterior, x, width(module) * x[0, 0].numel())
        return {"loc": loc, "scale": scale}

    def decode(z: Tensor) -> Params:
        pixels_out = z[0, 0].numel() * shrinkage(module) ** 2
        (found,) = piecewise(image, z, width(module) * pixels_out)
        return pixels.parameters(found)

    return Model(
        name=name,
        encode=encode,
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood=of_images(pixels.likelihood),
        # Alone, it would warn of every change of dtype.
        module=torch.nn.ModuleList([module]),
        training={"channels": module.config.in_channels, **facts},
    )


def piecewise(
    function: Callable[[Tensor], tuple[Tensor, ...]], rows: Tensor, values: int
) -> tuple[Tensor, ...]:
    """A function of many rows, so many at a time as its activations leave room for.

    Args:
        function: rows (some, ...) to tensors (some, ...).
        rows: (batch, ...).
        values: of the widest activation of one row.
    """
    room = CACHED if rows.device.type == "cpu" else HELD
    parts = [function(some) for some in rows.split(max(1, room // values))]
    return tuple(torch.cat(pieces) for pieces in zip(*parts, strict=True))


def width(module: Any) -> int:
    """Channels of the activations as large as an image."""
    channels: int = module.encoder.conv_in.out_channels
    return channels


def shrinkage(module: Any) -> int:
    """How many pixels of an image, along one side, become one of the latent grid."""
    return int(2 ** (len(module.config.down_block_types) - 1))


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
