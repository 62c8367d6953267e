"""Diagonal normal posteriors under a standard normal prior: VAE and most of its relatives."""

from collections.abc import Callable

from pythae.models.base import BaseAE
from torch import Tensor

from genprobe.types import Params
from genprobe_pythae.code import Code


def gaussian(module: BaseAE) -> Code:
    """The code of a model whose encoder gives a mean and a log variance."""
    return Code(
        encode=gaussian_encoder(module), posterior="diagonal-normal", prior="standard-normal"
    )


def gaussian_encoder(module: BaseAE) -> Callable[[Tensor], Params]:
    """Examples (batch, *input_dim) to loc and scale, each (batch, latent)."""

    def encode(x: Tensor) -> Params:
        output = module.encoder(x)
        return {"loc": output.embedding, "scale": (output.log_covariance / 2).exp()}

    return encode
