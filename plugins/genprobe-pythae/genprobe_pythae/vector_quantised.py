"""The VQVAE: a grid of indices into a codebook, each certain, under the uniform prior."""

import torch
from pythae.models.base import BaseAE
from torch import Tensor

from genprobe.types import Params
from genprobe_pythae.code import Code

IMPOSSIBLE = -1e4
"""A logit whose softmax is exactly 0 beside one of 0."""


def vector_quantised(module: BaseAE) -> Code:
    """Indices z (batch, height, width).

    Of an encoder that gives a vector (batch, k) pythae quantises each value by itself: z is then
    (batch, 1, k), and the codebook holds single numbers.
    """
    classes = module.model_config.num_embeddings
    vectors_only = gives_vectors(module)

    def encode(x: Tensor) -> Params:
        index = nearest(channels_last(module.encoder(x).embedding), codebook(module))
        certain = torch.full((*index.shape, classes), IMPOSSIBLE).to(x)
        return {"logits": certain.scatter_(-1, index.unsqueeze(-1), 0.0)}

    def decoder_input(z: Tensor) -> Tensor:
        vectors = codebook(module)[z.long()].permute(0, 3, 1, 2)
        return vectors.flatten(1) if vectors_only else vectors

    return Code(
        encode=encode,
        posterior="categorical",
        prior="uniform-categorical",
        decoder_input=decoder_input,
    )


def channels_last(embedding: Tensor) -> Tensor:
    """What the quantizer takes, (batch, height, width, channel), from a vector or an image."""
    grid = embedding[:, None, None] if embedding.dim() == 2 else embedding
    return grid.permute(0, 2, 3, 1)


def nearest(vectors: Tensor, table: Tensor) -> Tensor:
    """Indices (batch, height, width) of the rows of a table nearest to vectors.

    The same sums as in pythae's quantizer, so that near ties fall the same way; it cannot be called
    itself, as it works in float32 only.
    """
    squares = vectors.square().sum(-1, keepdim=True) + table.square().sum(-1)
    return (squares - 2 * vectors @ table.T).argmin(-1)


def codebook(module: BaseAE) -> Tensor:
    """The embedding vectors (class, channel), learned or averaged."""
    table = module.quantizer.embeddings
    return table if isinstance(table, Tensor) else table.weight


def gives_vectors(module: BaseAE) -> bool:
    """Whether the encoder gives a vector an example rather than an image."""
    with torch.no_grad():
        x = torch.zeros(1, *module.input_dim).to(codebook(module))
        return bool(module.encoder(x).embedding.dim() == 2)
