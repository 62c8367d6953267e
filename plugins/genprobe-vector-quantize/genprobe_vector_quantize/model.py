"""A model of an encoder, a quantiser of vector-quantize-pytorch and a decoder.

q(z|x) has all its mass on the class indices that the quantiser gives, p(z) is uniform over them,
and p(x|z) is around what the decoder makes of the vectors of these indices. In evaluation mode,
into which genprobe puts every module, no codebook is updated, no dead code replaced and no level
dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from genprobe.errors import ModelError
from genprobe.types import Likelihood, Model, Params
from genprobe_vector_quantize.quantizers import Codes, codes_of

CLOSE = 1e-3
"""Of the largest value: how far vectors that are looked up may be from those that came out."""


def tokenizer(
    encoder: Callable[[Tensor], Tensor],
    quantizer: nn.Module,
    decoder: Callable[[Tensor], Any] | None = None,
    *,
    likelihood: Likelihood | str | None = None,
    output: str | None = None,
    module: nn.Module | None = None,
    grid: Sequence[int] | None = None,
    name: str = "tokenizer",
    training: Mapping[str, Any] | None = None,
) -> Model:
    """The model of a tokenizer.

    Args:
        encoder: x (batch, *event) to what the quantiser takes: (batch, dim, height, width), or
            (batch, places, dim). Images for a quantiser that takes the latter alone are put in
            rows for it, and back for the decoder.
        quantizer: of vector-quantize-pytorch.
        decoder: what the quantiser gives to the parameters of p(x|z) by name, as
            ``genprobe.Model`` takes them, or to one tensor; None for the codes alone.
        likelihood: a likelihood, or the registered name of one; None without a decoder.
        output: of a decoder that gives one tensor, the name of it: ``logits``, ``loc``.
        module: that all of them are parts of, whose state dict a checkpoint holds; by default a
            list of those that are modules, in their order.
        grid: of an encoder that gives (batch, places, dim), how the places lie: (height, width).
            Priors that look at neighbours then know those above, too.
        name: what tables call it.
        training: plain facts about how it was trained.

    Raises:
        ModelError: if the quantiser is none that is read.

    Example:
        >>> from torch import nn
        >>> from vector_quantize_pytorch import FSQ
        >>> encoder, decoder = nn.Conv2d(1, 3, 4, 4), nn.ConvTranspose2d(3, 1, 4, 4)
        >>> model = tokenizer(
        ...     encoder,
        ...     FSQ([8, 5, 5]),
        ...     decoder,
        ...     likelihood="bernoulli",
        ...     output="logits",
        ... )
        >>> model.encode(torch.rand(2, 1, 28, 28))["index"].shape
        torch.Size([2, 7, 7])
    """
    codes = codes_of(quantizer)

    def encode(x: Tensor) -> Params:
        require_codebook(quantizer)
        h = encoder(x)
        image = codes.rows and h.dim() == 4
        out, found = quantizer(h.flatten(2).mT if image else h)[:2]
        index = codes.indices(found).long()
        require_same(quantizer, codes.features(index), out)
        classes = torch.full((len(x),), codes.classes, device=index.device)
        return {
            "index": on_grid(index, h.shape[2:] if image else grid, codes),
            "classes": classes,
        }

    def decode(z: Tensor) -> Any:
        assert decoder is not None
        places = z.shape[2 if codes.levels else 1 :]
        image = codes.rows and grid is None and len(places) == 2
        row = image or grid is not None
        found = codes.features((z.flatten(-len(places)) if row else z).long())
        given = decoder(found.mT.unflatten(2, places) if image else found)
        return given if output is None else {output: given}

    parts = [part for part in (encoder, quantizer, decoder) if isinstance(part, nn.Module)]
    facts = {"quantizer": type(quantizer).__name__, "classes": codes.classes}
    return Model(
        name=name,
        encode=encode,
        decode=None if decoder is None else decode,
        posterior="residual-codes" if codes.levels else "codes",
        prior="uniform-categorical",
        likelihood=likelihood,
        module=nn.ModuleList(parts) if module is None else module,
        training={**facts, **(training or {})},
        codebook=codes.codebook,
    )


def on_grid(index: Tensor, grid: Sequence[int] | None, codes: Codes) -> Tensor:
    """Indices of places in a row, on a grid.

    Raises:
        ModelError: if the grid has not as many places.
    """
    if grid is None:
        return index
    before = index.shape[: 2 if codes.levels else 1]
    places = index.shape[len(before) :]
    if len(places) != 1 or prod(grid) != places[0]:
        raise ModelError(
            f"The quantiser gives codes at {tuple(places)} places, and the grid is {tuple(grid)}.",
            "Leave grid out, or give the height and width of what was flattened.",
        )
    return index.reshape(*before, *grid)


def require_codebook(quantizer: nn.Module) -> None:
    """Check that no codebook is yet to be made, which would be from the data evaluated.

    Raises:
        ModelError: if one is.
    """
    for name, value in quantizer.named_buffers():
        if name.rpartition(".")[2] == "initted" and not bool(value.all()):
            raise ModelError(
                "The quantiser has no codebook yet (kmeans_init): it would be made of the data "
                "that are evaluated.",
                "Load the trained weights, buffers included, before it is evaluated.",
            )


def require_same(quantizer: nn.Module, looked_up: Tensor, out: Tensor) -> None:
    """Check that indices give back what the quantiser gave.

    Raises:
        ModelError: if they do not.
    """
    out, looked_up = out.detach(), looked_up.detach()
    if looked_up.shape != out.shape or far(looked_up, out):
        raise ModelError(
            f"The indices of the {type(quantizer).__name__} do not give back its output: "
            f"{tuple(looked_up.shape)} for {tuple(out.shape)}.",
            "An option of it changes the output after the codebook; write genprobe.Model by hand.",
        )


def far(looked_up: Tensor, out: Tensor) -> bool:
    """Whether tensors of one shape differ by more than rounding."""
    off = (looked_up - out).abs().max()
    return bool(off > CLOSE * out.abs().max().clamp(min=1e-6))
