"""What the encoders of diffusers give for an image: a normal, a point, or indices of a codebook.

Every function takes and gives images in the autoencoder's own range, [−1, 1].
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from genprobe.types import Params


class Coding(NamedTuple):
    """An autoencoder's q(z|x) and its decoder.

    family: registered name of q(z|x).
    prior: registered name of p(z).
    encode: images (batch, channels, height, width) to the parameters of q(z|x).
    decode: z to images.
    codebook: the vectors of a quantiser (classes, width); None without one.
    """

    family: str
    prior: str
    encode: Callable[[Tensor], Params]
    decode: Callable[[Tensor], Tensor]
    codebook: Callable[[], Tensor] | None = None


def normal(module: Any) -> Coding:
    """A diagonal normal, its log-variance clamped as diffusers clamps it."""

    def encode(x: Tensor) -> Params:
        q = module.encode(x).latent_dist
        return {"loc": q.mean, "scale": q.std}

    return Coding("diagonal-normal", "standard-normal", encode, lambda z: module.decode(z).sample)


def point(field: str) -> "Build":
    """A single code, which diffusers hands out under the name of a field."""

    def build(module: Any) -> Coding:
        def encode(x: Tensor) -> Params:
            return {"loc": getattr(module.encode(x), field)}

        return Coding("delta", "standard-normal", encode, lambda z: module.decode(z).sample)

    return build


def indices(module: Any) -> Coding:
    """The index of the nearest vector of a codebook, at every place."""

    def encode(x: Tensor) -> Params:
        found = module.encode(x).latents
        _, _, (_, _, index) = module.quantize(found)
        classes = torch.full((len(x),), module.quantize.n_e, device=x.device)
        return {"index": index.reshape(len(x), *found.shape[2:]), "classes": classes}

    def decode(z: Tensor) -> Tensor:
        index, shape = z.long().flatten(), (*z.shape, module.quantize.vq_embed_dim)
        if module.config.lookup_from_codebook:
            found = module.decode(index, force_not_quantize=True, shape=shape)
        else:
            vectors = module.quantize.get_codebook_entry(index, shape)
            found = module.decode(vectors, force_not_quantize=True)
        image: Tensor = found.sample
        return image

    def codebook() -> Tensor:
        vectors: Tensor = module.quantize.embedding.weight
        return vectors

    return Coding("codes", "uniform-categorical", encode, decode, codebook)


Build: TypeAlias = Callable[[Any], Coding]
READ: Mapping[str, Build] = {
    "AutoencoderKL": normal,
    "AsymmetricAutoencoderKL": normal,
    "AutoencoderKLFlux2": normal,
    "AutoencoderTiny": point("latents"),
    "AutoencoderDC": point("latent"),
    "VQModel": indices,
}
"""Classes that are read, and what their encoder gives."""
