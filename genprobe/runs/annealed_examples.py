"""Examples as they are annealed: in chunks of one size, so that no number depends on batches."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int64
from torch import Tensor

from genprobe.annealing.of_model import target_of
from genprobe.annealing.target import Target
from genprobe.encoding.calls import Calls
from genprobe.encoding.context import context_of, join_contexts
from genprobe.encoding.examples import encode_examples, in_dtype
from genprobe.errors import UnavailableError
from genprobe.runtime.seeds import derived_seed, seeded
from genprobe.store.read import Store
from genprobe.types import Dataset, FittedScale, Params, Prior

CHUNK = 32
"""Examples that share their noise and a file. Part of what the numbers are: never change it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Annealed:
    """A model and the data whose examples are annealed.

    Attributes:
        calls: of the model, in place.
        prior: that log p(x) is under.
        scale: of a likelihood whose one scale is fitted to all the data; None of another.
        dataset: of the store.
        store: finished.
    """

    calls: Calls
    prior: Prior
    scale: FittedScale | None
    dataset: Dataset
    store: Store


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunk:
    """Some examples of the data.

    Attributes:
        of: the model and the data.
        number: of the chunk.
        index: (m,) positions of its examples, rising.
    """

    of: Annealed
    number: int
    index: Int64[Tensor, " m"]

    def seed(self, *purpose: str | int) -> int:
        """The seed of some of its noise, which no other has."""
        return derived_seed(self.of.store.header.seed, "inference", *purpose, self.number)

    @cached_property
    def given(self) -> tuple[Tensor, Params]:
        """The examples (m, *event) and their context."""
        x, contexts = [], []
        dataset, model = self.of.dataset, self.of.calls.model
        for row in self.index.tolist():
            one = in_dtype(dataset, dataset.read(row, row + 1), row, self.of.calls.dtype)
            x.append(one)
            contexts.append(context_of(model, dataset, one, row))
        return torch.cat(x), join_contexts(contexts) if contexts[0] else {}

    @cached_property
    def target(self) -> Target:
        """The joint density of z and each of the examples."""
        return self.target_of(self.given[0])

    @cached_property
    def start(self) -> Params:
        """What the encoder says of them, each (m, ...)."""
        rows = [next(self.of.store.blocks(1, row, row + 1))[1] for row in self.index.tolist()]
        return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}

    def target_of(self, x: Tensor) -> Target:
        """The joint density of z and examples (m, *event) with the context of these."""
        calls = self.of.calls.given(self.given[1])
        return target_of(calls, self.of.prior, x, scale=self.of.scale)


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedChunk(Chunk):
    """As many examples that are drawn from the model itself, and the codes they are of.

    A conditional model is given the context of those of the data.
    """

    @cached_property
    def drawn(self) -> tuple[Tensor, Tensor]:
        """Codes z ~ p(z) (m, *latent), and x ~ p(x|z) (m, *event).

        Raises:
            UnavailableError: if the likelihood cannot be sampled.
        """
        calls, scale = self.of.calls.given(self.given[1]), self.of.scale
        with seeded(self.seed("simulated")):
            z = self.of.prior.sample(len(self.index)).detach().cpu().to(calls.dtype)
            if scale is None:
                return z, sampled(calls, z)
            loc = calls.decode(z).mean.cpu()
            return z, loc + scale.scale * torch.randn(loc.shape, dtype=loc.dtype)

    @cached_property
    def target(self) -> Target:
        """The joint density of z and each of them."""
        return self.target_of(self.drawn[1])

    @cached_property
    def start(self) -> Params:
        """What the encoder says of them, each (m, ...)."""
        return encode_examples(self.of.calls.given(self.given[1]), self.drawn[1], 0)


def chunks_of(of: Annealed, index: Int64[Tensor, " m"], kind: type[Chunk] = Chunk) -> list[Chunk]:
    """Examples in chunks of one size, the last of what is left.

    Args:
        of: the model and the data.
        index: (m,) the examples, rising.
        kind: of the chunks.
    """
    parts = [index[first : first + CHUNK] for first in range(0, len(index), CHUNK)]
    return [kind(of=of, number=i, index=part) for i, part in enumerate(parts)]


def sampled(calls: Calls, z: Tensor) -> Tensor:
    """An x ~ p(x|z) of each z (m, *event), from the global generator.

    Args:
        calls: of the decoder, with the context of these examples.
        z: (m, *latent).

    Raises:
        UnavailableError: if the likelihood cannot be sampled.
    """
    try:
        return calls.decode(z).sample().cpu().to(calls.dtype)
    except NotImplementedError:
        name = getattr(calls.likelihood, "name", "")
        raise UnavailableError(
            f"There are no simulated examples: the likelihood {name} cannot be sampled.",
            "Leave --simulate out.",
        ) from None
