"""How the modules of vector-quantize-pytorch hand out class indices, and take them back.

Their indices come as (batch, *grid), with codebooks or levels as one more last axis, or groups as
one more first; genprobe's are (batch, *grid), or (batch, levels, *grid). What is looked up for
indices comes without regard to where the quantiser has its channels, so that is put right here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import vector_quantize_pytorch as library
from torch import Tensor, nn

from genprobe.errors import ModelError

READ = (
    "VectorQuantize, FSQ, LFQ, SimVQ, LatentQuantize, ResidualVQ, ResidualFSQ, ResidualLFQ, "
    "ResidualSimVQ and the grouped residual ones"
)


class Codes(NamedTuple):
    """The codes of a quantiser.

    classes: how many a code is one of.
    levels: of a residual stack, or codebooks side by side; 0 if there is one.
    indices: what the module hands out as indices, to genprobe's (batch, [levels,] *grid).
    features: those to what the decoder is given, laid out as the module lays it out.
    codebook: the vectors (classes, width), where there is one codebook.
    rows: whether the module takes (batch, places, dim) and no images.
    """

    classes: int
    levels: int
    indices: Callable[[Any], Tensor]
    features: Callable[[Tensor], Tensor]
    codebook: Callable[[], Tensor] | None = None
    rows: bool = False


def codes_of(module: nn.Module) -> Codes:
    """How to read a quantiser.

    Raises:
        ModelError: if it is none that is read.
    """
    if isinstance(module, GROUPED):
        return of_groups(module)
    if isinstance(module, RESIDUAL):
        return of_stack(module)
    if isinstance(module, library.VectorQuantize):
        return of_vectors(module)
    if isinstance(module, library.FSQ | library.LFQ | library.SimVQ | library.LatentQuantize):
        return of_scalars(module)
    raise ModelError(
        f"A {type(module).__name__} is no quantiser of vector-quantize-pytorch that is read.",
        f"Read are {READ}. Give any other to genprobe.Model, posterior='codes'.",
    )


GROUPED = (
    library.GroupedResidualVQ,
    library.GroupedResidualFSQ,
    library.GroupedResidualLFQ,
)
RESIDUAL = (
    library.ResidualVQ,
    library.ResidualFSQ,
    library.ResidualLFQ,
    library.ResidualSimVQ,
)


def of_vectors(module: Any) -> Codes:
    """A codebook, or several heads, with one codebook for all or one for each."""
    heads: int = module.heads
    first = module.accept_image_fmap or module.accept_3d_fmap or not module.channel_last

    def features(index: Tensor) -> Tensor:
        book = module.codebook
        if heads == 1:
            return channels(module.project_out(book[index]), first)
        books = book if module.separate_codebook_per_head else book.expand(heads, *book.shape)
        found = torch.cat([books[h][index[:, h]] for h in range(heads)], -1)
        return channels(module.project_out(found), first)

    return Codes(
        classes=module.codebook_size,
        levels=heads if heads > 1 else 0,
        indices=levels_first if heads > 1 else as_it_is,
        features=features,
        codebook=None if module.separate_codebook_per_head else lambda: module.codebook,
        rows=not first,
    )


def of_scalars(module: Any) -> Codes:
    """A codebook that is no table, or several of them side by side."""
    if not hasattr(module, "codebook_size"):
        raise ModelError(
            f"The {type(module).__name__} hands out no indices.",
            "Make it with return_indices=True.",
        )
    several = getattr(module, "keep_num_codebooks_dim", False)

    def features(index: Tensor) -> Tensor:
        found: Tensor = module.indices_to_codes(index.movedim(1, -1) if several else index)
        return found

    simvq = isinstance(module, library.SimVQ)
    return Codes(
        classes=module.codebook_size,
        levels=module.num_codebooks if several else 0,
        indices=levels_first if several else as_it_is,
        features=features,
        codebook=(lambda: module.codebook) if simvq else None,
    )


def of_stack(module: Any) -> Codes:
    """Levels, each of which quantises what those before it have left."""
    sizes = {layer.codebook_size for layer in module.layers}
    if len(sizes) > 1:
        raise ModelError(
            f"The levels of the {type(module).__name__} have codebooks of {sorted(sizes)} classes.",
            "genprobe takes one number of classes for all levels.",
        )
    # This one moves channels of indices as well, and takes them back at the end.
    with_indices = bool(getattr(module, "is_channel_first", False))

    def features(index: Tensor) -> Tensor:
        found = module.get_codes_from_indices(index.movedim(1, -1)).sum(0)
        if isinstance(module, library.ResidualSimVQ):
            return found
        image = isinstance(module, library.ResidualLFQ) and index.dim() > 3
        first = image or with_indices or getattr(module, "accept_image_fmap", False)
        return channels(module.project_out(found), first)

    return Codes(
        classes=sizes.pop(),
        levels=module.num_quantizers,
        indices=as_it_is if with_indices else levels_first,
        features=features,
        rows=isinstance(module, library.ResidualVQ | library.ResidualFSQ)
        and not (with_indices or getattr(module, "accept_image_fmap", False)),
    )


def of_groups(module: Any) -> Codes:
    """Residual stacks side by side, each of its own channels; first the levels of the first."""
    stacks = [of_stack(stack) for stack in module.rvqs]
    levels = stacks[0].levels

    def index(given: Tensor) -> Tensor:
        each = [stack.indices(some) for stack, some in zip(stacks, given, strict=True)]
        return torch.cat(each, 1)

    def features(index: Tensor) -> Tensor:
        parts = zip(stacks, index.split(levels, 1), strict=True)
        return torch.cat([stack.features(part) for stack, part in parts], module.split_dim)

    return Codes(
        classes=stacks[0].classes,
        levels=levels * len(stacks),
        indices=index,
        features=features,
        rows=stacks[0].rows,
    )


def as_it_is(index: Tensor) -> Tensor:
    """Indices (batch, *grid)."""
    return index


def levels_first(index: Tensor) -> Tensor:
    """Indices (batch, *grid, levels) to (batch, levels, *grid)."""
    return index.movedim(-1, 1)


def channels(rows: Tensor, first: bool) -> Tensor:
    """Vectors (batch, *grid, width), or (batch, width, *grid)."""
    return rows.movedim(-1, 1) if first else rows
