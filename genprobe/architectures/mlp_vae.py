"""A variational autoencoder of fully connected layers: the reference architecture ``mlp-vae``."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from genprobe.errors import ModelError
from genprobe.priors.diagonal_normal import build as build_diagonal_normal
from genprobe.runtime.near_names import hint
from genprobe.types import Model, Params, Prior

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
}
PRIORS = ("standard-normal", "diagonal-normal")
LIKELIHOODS = ("bernoulli", "normal")
FAMILIES = ("diagonal-normal",)
KINDS = {"family": "families", "prior": "priors", "likelihood": "likelihoods"}
"""Under which the field's other names of a choice are listed."""


class MlpVae(nn.Module):
    """Encoder and decoder of the same hidden widths, mirrored.

    Args:
        data_shape: shape of one example.
        latent: size of z.
        hidden: widths of the encoder's hidden layers; the decoder's are reversed.
        activation: one of relu, tanh, softplus, silu, gelu, elu.
        posterior: ``diagonal-normal``.
        prior: ``standard-normal``, or ``diagonal-normal`` with learned location and scale.
        likelihood: ``bernoulli`` or ``normal``.
        scale: of the normal likelihood; None lets the decoder predict one for every value.

    Raises:
        ModelError: if a choice is not one of these, or a size is not positive.
    """

    name = "mlp-vae"

    def __init__(
        self,
        *,
        data_shape: Sequence[int],
        latent: int = 10,
        hidden: Sequence[int] = (256, 256),
        activation: str = "relu",
        posterior: str = "diagonal-normal",
        prior: str = "standard-normal",
        likelihood: str = "bernoulli",
        scale: float | None = None,
    ) -> None:
        super().__init__()
        require("activation", activation, ACTIVATIONS)
        require("posterior", posterior, FAMILIES)
        require("prior", prior, PRIORS)
        require("likelihood", likelihood, LIKELIHOODS)
        if min((latent, *hidden, *data_shape), default=1) < 1 or (
            scale is not None and not 0 < scale < math.inf
        ):
            raise ModelError("The sizes and the scale of an mlp-vae must be positive.")
        self.config: dict[str, Any] = {
            "data_shape": list(data_shape),
            "latent": latent,
            "hidden": list(hidden),
            "activation": activation,
            "posterior": posterior,
            "prior": prior,
            "likelihood": likelihood,
            "scale": scale,
        }
        self.data_shape = torch.Size(data_shape)
        size = math.prod(data_shape)
        heads = 2 if likelihood == "normal" and scale is None else 1
        self.encoder = mlp([size, *hidden, 2 * latent], ACTIVATIONS[activation])
        self.decoder = mlp([latent, *reversed(hidden), heads * size], ACTIVATIONS[activation])
        if prior == "diagonal-normal":
            self.prior_loc = nn.Parameter(torch.zeros(latent))
            self.prior_log_scale = nn.Parameter(torch.zeros(latent))

    def encode(self, x: Tensor) -> Params:
        """X (batch, *data_shape) to loc and scale (batch, latent) of q(z|x).

        Raises:
            ModelError: if the examples have another number of values than the model was built for.
        """
        size = math.prod(self.data_shape)
        if x[0].numel() != size:
            raise ModelError(
                f"One example of the data is of shape {tuple(x.shape[1:])}, {x[0].numel()} values; "
                f"the model takes {tuple(self.data_shape)}, {size} values.",
                "Evaluate it on the data it was trained for.",
            )
        loc, log_scale = self.encoder(x.flatten(1)).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}

    def decode(self, z: Tensor) -> Params:
        """Z (batch, latent) to the parameters (batch, *data_shape) of p(x|z)."""
        output = self.decoder(z)
        shape = (z.shape[0], *self.data_shape)
        if self.config["likelihood"] == "bernoulli":
            return {"logits": output.view(shape)}
        if self.config["scale"] is not None:
            return {"loc": output.view(shape), "scale": output.new_tensor(self.config["scale"])}
        loc, log_scale = output.chunk(2, 1)
        return {"loc": loc.reshape(shape), "scale": log_scale.exp().reshape(shape)}

    def prior(self) -> Prior | str:
        """The prior, by name unless it was learned."""
        if self.config["prior"] == "standard-normal":
            return "standard-normal"
        params = {"loc": self.prior_loc, "scale": self.prior_log_scale.exp()}
        return build_diagonal_normal(self.prior_loc.shape, params)

    def prior_distribution(self) -> Distribution:
        """p(z) in the module's own dtype, with gradients to whatever of it is learned."""
        loc = getattr(self, "prior_loc", torch.zeros(self.config["latent"]))
        log_scale = getattr(self, "prior_log_scale", torch.zeros_like(loc))
        return Independent(Normal(loc, log_scale.exp(), validate_args=False), 1)

    def as_model(self, name: str, training: Mapping[str, Any] | None = None) -> Model:
        """This network as a genprobe Model."""
        return Model(
            name=name,
            encode=self.encode,
            decode=self.decode,
            posterior=self.config["posterior"],
            prior=self.prior(),
            likelihood=self.config["likelihood"],
            module=self,
            training=training or {},
        )


def mlp(sizes: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of these sizes with the activation between them."""
    layers: list[nn.Module] = []
    for i, (narrow, wide) in enumerate(pairwise(sizes)):
        layers += [activation()] if i else []
        layers.append(nn.Linear(narrow, wide))
    return nn.Sequential(*layers)


def require(what: str, choice: str, choices: Sequence[str] | Mapping[str, Any]) -> None:
    """Check a choice.

    Raises:
        ModelError: listing the choices.
    """
    if choice not in choices:
        raise ModelError(
            f"mlp-vae has no {what} {choice!r}.",
            f"{hint(choice, choices, KINDS.get(what, ''))}Choose one of {', '.join(choices)}.",
        )
