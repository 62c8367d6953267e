r"""What a chain of latents says of a segment of examples: draws, and what each level costs.

.. math::

    R_l = \frac1N \sum_n \mathbb E_{q(z_{<l}|x_n)}
    \mathrm{KL}(q(z_l|z_{<l}, x_n)\,\|\,p(z_l|z_{<l}))

given the drawn z_<l in closed form where there is one, else log q − log p at the draw. Draws are
made of a piece of the segment at a time, each from a seed of its own, so that they depend neither
on the batches nor on the other pieces, and a piece can be walked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor
from torch.distributions import Distribution

from genprobe.aggregate.moments import factorises
from genprobe.distributions.latents import flat
from genprobe.encoding.batches import batches
from genprobe.encoding.calls import Calls
from genprobe.encoding.chain_calls import Step, walk
from genprobe.encoding.checks import first_not_finite
from genprobe.encoding.parts import packed
from genprobe.errors import ModelError
from genprobe.priors.from_distribution import known_kl
from genprobe.runtime.seeds import derived_seed, seeded
from genprobe.store.format import DRAWS, MOMENT
from genprobe.types import Params

PIECE = 256
"""Examples that are walked together, of a segment."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Walked:
    """Examples after a walk, levels last.

    Attributes:
        params: of the first level's posterior, each (n, ...).
        z: (n, K) packed draws.
        rate: (n, level) KL of each level given the draws before it, nats.
        log_q: (n, level) log q(z_l|z_<l, x).
        log_p: (n, level) log p(z_l|z_<l).
        by_dimension: of each level the rate of every dimension of z, flattened (k,), summed over
            the examples; None where it does not factorise.
    """

    params: Params
    z: Tensor
    rate: Float64[Tensor, "n level"]
    log_q: Float64[Tensor, "n level"]
    log_p: Float64[Tensor, "n level"]
    by_dimension: list[Float64[Tensor, " k"] | None]


def walked(calls: Calls, x: Tensor, start: int, draws: int, seed: int) -> list[Walked]:
    """The walk of examples, of each draw.

    Args:
        calls: of a model with a chain, with the context of these examples.
        x: (n, *event), a segment or its first pieces.
        start: position of the first example in the data set.
        draws: an example.
        seed: of the run.
    """
    found = []
    for draw in range(draws):
        pieces = []
        for piece in batches(len(x), PIECE):
            first = start + piece.start
            rows = torch.arange(piece.start, piece.start + len(x[piece]))
            with seeded(derived_seed(seed, "chain", first, draw)):
                pieces.append(walk_piece(calls, x[piece], rows, first))
        found.append(joined_walks(pieces))
    return found


def walk_piece(calls: Calls, x: Tensor, rows: Tensor, start: int) -> Walked:
    """One walk with draws from the global generator."""
    steps: list[Step] = []
    rates: list[Tensor] = []
    densities: list[tuple[Tensor, Tensor]] = []
    by_dimension: list[Tensor | None] = []

    def choose(step: Step) -> Tensor:
        z = step.family.sample(step.q, 1)[0]
        q, p = (step.family.distribution(in_double(each)) for each in (step.q, step.p))
        log_q, log_p = q.log_prob(z.double()), p.log_prob(z.double())
        kl = known_kl(q, p)
        rates.append(log_q - log_p if kl is None else kl)
        densities.append((log_q, log_p))
        steps.append(step)
        by_dimension.append(dimension_sums(q, p))
        return z

    z = walk(calls, x, choose, rows, start=start)
    rate = torch.stack(rates, 1)
    require_finite_rates(calls, rate, start)
    log_q, log_p = (torch.stack(each, 1) for each in zip(*densities, strict=True))
    return Walked(
        params=steps[0].q,
        z=packed(z),
        rate=rate,
        log_q=log_q,
        log_p=log_p,
        by_dimension=by_dimension,
    )


def dimension_sums(q: Distribution, p: Distribution) -> Float64[Tensor, " k"] | None:
    """The rate of every dimension, summed over the examples; None where it does not factorise."""
    if not (factorises(q) and factorises(p)):
        return None
    found = known_kl(q.base_dist, p.base_dist)
    return None if found is None else flat(found, 1).sum(0)


def in_double(params: Params) -> Params:
    """Parameters in float64."""
    return {name: values.double() for name, values in params.items()}


def require_finite_rates(calls: Calls, rate: Float64[Tensor, "n level"], start: int) -> None:
    """Check that no level costs infinitely much.

    Raises:
        ModelError: naming the level and the first example where one does.
    """
    bad = first_not_finite(rate.T)
    if bad is not None:
        level = int((~rate[bad].isfinite()).nonzero()[0]) + 1
        raise ModelError(
            f"The chain of {calls.model.name}, at level {level}, has a rate that is not finite, at "
            f"example {start + bad}.",
            "Its prior must have a density wherever its posterior has one.",
        )


def joined_walks(pieces: list[Walked]) -> Walked:
    """The walks of consecutive examples in one."""
    return Walked(
        params={k: torch.cat([w.params[k] for w in pieces]) for k in pieces[0].params},
        z=torch.cat([w.z for w in pieces]),
        rate=torch.cat([w.rate for w in pieces]),
        log_q=torch.cat([w.log_q for w in pieces]),
        log_p=torch.cat([w.log_p for w in pieces]),
        by_dimension=[sum_of(each) for each in zip(*(w.by_dimension for w in pieces), strict=True)],
    )


def sum_of(values: Sequence[Tensor | None]) -> Tensor | None:
    """The sum of several tensors; None if any is missing."""
    there = [each for each in values if each is not None]
    return torch.stack(there).sum(0) if len(there) == len(values) else None


def level_columns(walks: list[Walked]) -> dict[str, Tensor]:
    """What is stored of the levels below the first, by path; nothing where there are none.

    Args:
        walks: of each draw.

    Returns:
        ``levels/rate`` (draw, n, level − 1) and ``levels/log_weight`` (draw, n), the sum of
        log p − log q over these levels; ``moments/level_2_rate`` (k,) and so on, sums over
        examples of the rate of each dimension, of the levels where it factorises.
    """
    found = {}
    for i, sums in enumerate(zip(*(w.by_dimension for w in walks), strict=True), 1):
        total = sum_of(sums)
        if total is not None:
            found[f"moments/{MOMENT.format(i)}"] = total / len(walks)
    if walks[0].rate.shape[1] > 1:
        found["levels/rate"] = torch.stack([w.rate[:, 1:] for w in walks])
        weights = [(w.log_p - w.log_q)[:, 1:].sum(1) for w in walks]
        found["levels/log_weight"] = torch.stack(weights)
    return found


def level_draws(calls: Calls, z: Tensor) -> dict[str, Tensor]:
    """The draws of the levels below the first, by path.

    Args:
        calls: of a model with a chain.
        z: (draw, n, K) packed draws.

    Returns:
        ``levels/z_2`` (draw, n, *latent) and so on.
    """
    levels = calls.chain.unpack(z) if calls.chain is not None else []
    return {f"levels/{DRAWS.format(i)}": draws for i, draws in enumerate(levels[1:], 2)}
