r"""The likelihood that pythae's reconstruction loss stands for, with every constant.

| loss | −log p(x\|z) | what the loss leaves out |
|:--|:--|:--|
| ``bce`` | Bernoulli | nothing |
| ``mse``, ½ Σ (x − x̂)² | normal, scale 1 | P/2 ln 2π, P the number of values |
| of VQVAE, Σ (x − x̂)² | normal, scale √½ | P/2 ln π |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pythae.models.base import BaseAE
from torch import Tensor, nn

from genprobe.types import Params

TRIALS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Reconstruction:
    """The decoder's side of a model.

    Attributes:
        decoder: pythae's, without its last sigmoid where the likelihood takes logits.
        likelihood: the registered name.
        params: what the decoder returns to the likelihood's parameters.
    """

    decoder: nn.Module
    likelihood: str
    params: Callable[[Tensor], Params]


def reconstruction(module: BaseAE, settings: Mapping[str, Any], scale: float) -> Reconstruction:
    """The likelihood of a model's reconstruction loss.

    For ``bce`` the decoder's last sigmoid is taken off: its logits are exact where probabilities
    round to 0 or 1. A decoder that ends otherwise gives the probabilities themselves.

    Args:
        module: in evaluation mode; its decoder is changed.
        settings: of the model.
        scale: of the normal likelihood that a squared error stands for.
    """
    if settings.get("reconstruction_loss", "mse") == "bce":
        name = "logits" if take_off_sigmoid(module.decoder, trial(module)) else "probs"
        return Reconstruction(
            decoder=module.decoder, likelihood="bernoulli", params=lambda values: {name: values}
        )
    return Reconstruction(
        decoder=module.decoder,
        likelihood="normal",
        params=lambda loc: {"loc": loc, "scale": loc.new_tensor(scale)},
    )


def trial(module: BaseAE) -> Tensor:
    """A few inputs (batch, latent) to see what the decoder returns; the same ones every time."""
    chance = torch.Generator().manual_seed(0)
    return torch.randn(TRIALS, module.latent_dim, generator=chance)


def take_off_sigmoid(decoder: nn.Module, decoder_input: Tensor) -> bool:
    """Replace the last sigmoid of a decoder, if its output is the decoder's; tell whether it is.

    Args:
        decoder: in evaluation mode.
        decoder_input: (batch, ...) to see that the change is what it should be.
    """
    found = [name for name, part in decoder.named_modules() if isinstance(part, nn.Sigmoid)]
    if not found:
        return False
    sigmoid = decoder.get_submodule(found[-1])
    with torch.no_grad():
        before = decoder(decoder_input).reconstruction
        put(decoder, found[-1], nn.Identity())
        after = decoder(decoder_input).reconstruction
    if torch.allclose(torch.sigmoid(after), before, rtol=0, atol=1e-6):
        return True
    put(decoder, found[-1], sigmoid)
    return False


def put(network: nn.Module, name: str, part: nn.Module) -> None:
    """Put a part in the place of the one of that dotted name."""
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, part)
