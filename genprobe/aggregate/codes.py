"""Draws of codes from the posteriors in a store, a stretch at a time, and over ranks."""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import size_of, stretches
from genprobe.runtime.ranks import ALONE, Ranks, all_sum, barrier, broadcast
from genprobe.runtime.seeds import seeded
from genprobe.store.read import Store
from genprobe.types import Family, Params

DRAWN_VALUES = 1 << 22
"""Values of z drawn at a time: their densities are worked out in float64."""


def draw_codes(
    family: Family, params: Params, draws: int, seed: int, ranks: Ranks
) -> tuple[Float[Tensor, "draw m *latent"], Float64[Tensor, "draw m"]]:
    """Draws of posteriors, those of rank 0 on every rank, and their own log densities, nats."""
    with barrier(ranks):
        z = sample_codes(family, params, draws, seed)
    z = broadcast(z, ranks)
    with barrier(ranks):
        log_qz_x = [
            family.distribution({k: v[part].double() for k, v in params.items()})
            .log_prob(z[:, part].double())
            .double()
            for part in draw_blocks(family, params, draws)
        ]
    return z, torch.cat(log_qz_x, 1)


def sample_codes(
    family: Family, params: Params, draws: int, seed: int
) -> Float[Tensor, "draw m *latent"]:
    """Draws of posteriors, a stretch of examples at a time."""
    first, *others = draw_blocks(family, params, draws)
    with seeded(seed):
        some = family.sample({k: v[first] for k, v in params.items()}, draws)
        z = some.new_empty(draws, size_of(params), *some.shape[2:])
        z[:, first] = some
        for part in others:  # into its place, so that there is only one copy of it
            z[:, part] = family.sample({k: v[part] for k, v in params.items()}, draws)
    return z


def draw_blocks(family: Family, params: Params, draws: int) -> list[slice]:
    """Stretches of the examples whose draws fit into memory at once."""
    values = family.event_shape(params).numel()
    return list(stretches(size_of(params), max(1, DRAWN_VALUES // (draws * max(1, values)))))


def select_params(store: Store, chosen: Int64[Tensor, " m"], ranks: Ranks = ALONE) -> Params:
    """Posterior parameters (m, ...) of chosen examples, in their order, streamed from the store.

    Each rank reads its share and leaves zeros for the rest; their sum is the whole.
    """
    ordered, position = chosen.sort()
    first, last = ranks.span(store.header.n)
    found: dict[str, Tensor] = {}
    with barrier(ranks):
        _, shapes = next(iter(store.blocks(1)))
        found = {k: v.new_zeros(len(chosen), *v.shape[1:]) for k, v in shapes.items()}
        for start, params in store.blocks(start=first, stop=last):
            stop = start + size_of(params)
            low, high = torch.searchsorted(ordered, torch.tensor([start, stop])).tolist()
            for k, v in params.items():
                found[k][position[low:high]] = v[ordered[low:high] - start]
    return {k: all_sum(v, ranks) for k, v in found.items()}
