"""The stages of an annealing, each of them all chunks of examples: fit, tune, anneal, and the rest.

Whatever a stage gives comes from the files of its pieces alone, and every decision from what stages
gave. So a run that was killed goes on to the same numbers, and ranks, which share the chunks out,
agree without a word.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from xxhash import xxh3_64_hexdigest

from genprobe.annealing.ais import anneal, anneal_from_prior, reverse_anneal, tune
from genprobe.annealing.curve import STEPS as CURVE_STEPS
from genprobe.annealing.curve import decoder_curve
from genprobe.annealing.posterior_fit import STEPS, fit_posterior, score_posterior
from genprobe.errors import StoreError
from genprobe.runs.annealed_examples import Chunk, SimulatedChunk
from genprobe.runs.annealing_pieces import Arrays, Pieces
from genprobe.runtime.progress import Progress
from genprobe.runtime.ranks import Ranks, barrier
from genprobe.types import Family, Params

DRAWS = 256
"""Of each posterior, by which its ELBO is scored."""
ITERATED = (10, 100)
"""Gradient steps at test time whose gain is shown."""
FROM_PRIOR = 8
"""Chains an example that start at the prior."""
LEAST_FROM_PRIOR = 128
"""Temperatures that they have at least: from the prior the way is longer."""
STAGE = "inference"
"""What the progress display calls it."""

Compute = Callable[[Chunk], Arrays]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stages:
    """Where stages are worked out and kept.

    Attributes:
        family: of the posteriors.
        pieces: that are finished.
        ranks: the group that shares the chunks out.
        progress: display.
    """

    family: Family
    pieces: Pieces
    ranks: Ranks
    progress: Progress

    def run(
        self, name: str, chunks: Sequence[Chunk], compute: Compute, said: str = ""
    ) -> list[Arrays]:
        """What a stage gives, chunk by chunk.

        Args:
            name: of the stage.
            chunks: all of them.
            compute: what it gives of one.
            said: what it is, for the progress display.

        Raises:
            StoreError: if a piece of another rank does not read here.
        """
        total = sum(len(chunk.index) for chunk in chunks)
        self.progress.say(STAGE, said)
        with barrier(self.ranks):
            for chunk in chunks[slice(*self.ranks.span(len(chunks)))]:
                self.pieces.step(piece(name, chunk), functools.partial(compute, chunk))
                self.progress.advance(STAGE, len(chunk.index), total)
        with barrier(self.ranks):
            return [self._read(name, chunk) for chunk in chunks]

    def _read(self, name: str, chunk: Chunk) -> Arrays:
        found = self.pieces.read(piece(name, chunk))
        if found is None:
            raise StoreError(
                f"Rank {self.ranks.rank} does not see {self.pieces.folder}.",
                "Give --store a path on a file system that all machines share.",
            )
        return found


def piece(name: str, chunk: Chunk) -> str:
    """The name of what a stage gives of a chunk."""
    return f"{name}-{chunk.number:06d}"


def fit(stages: Stages, chunks: Sequence[Chunk], name: str = "fit") -> list[Arrays]:
    """The best posterior of the family for each example: its parameters, and ELBOs on the way.

    ``param.NAME`` (m, ...), and (draw, m) ``elbo.0`` of the encoder's posterior, ``elbo.K`` after
    K steps, ``elbo.best``; all of common noise.

    Args:
        stages: where it is worked out.
        chunks: of the examples.
        name: of the stage.
    """

    def compute(chunk: Chunk) -> Arrays:
        target, family = chunk.target, stages.family
        score = functools.partial(
            score_posterior, target, family, draws=DRAWS, seed=chunk.seed(name, "score")
        )
        found = {"elbo.0": score(chunk.start)}
        params = chunk.start
        for steps in ITERATED:
            seed = chunk.seed(name, steps)
            params = fit_posterior(target, family, chunk.start, steps=steps, seed=seed)
            found[f"elbo.{steps}"] = score(params)
        params = fit_posterior(target, family, params, steps=STEPS, seed=chunk.seed(name, "best"))
        return {**found, "elbo.best": score(params), **named(params)}

    return stages.run(name, chunks, compute, "the best posteriors")


def tuned(stages: Stages, chunks: Sequence[Chunk], fits: Sequence[Arrays]) -> list[Arrays]:
    """Sizes of steps for each example, ``steps`` (stretch, m), from a run that is not weighed.

    Args:
        stages: where it is worked out.
        chunks: of the examples.
        fits: of ``fit``.
    """

    def compute(chunk: Chunk) -> Arrays:
        start = params_of(fits[chunk.number])
        return {"steps": tune(chunk.target, stages.family, start, seed=chunk.seed("tune"))}

    return stages.run("tune", chunks, compute, "sizes of steps")


def annealed(
    stages: Stages,
    chunks: Sequence[Chunk],
    fits: Sequence[Arrays],
    before: Sequence[Arrays],
    temperatures: int,
    chains: int,
    prior_share: float = 0.0,
) -> list[Arrays]:
    """Weighed chains from the best posterior: ``log_weight`` (chain, m), ``acceptance`` (m,).

    Args:
        stages: where it is worked out.
        chunks: of the examples.
        fits: of ``fit``.
        before: the last run, or of ``tuned``, whose step sizes are taken.
        temperatures: of a chain.
        chains: an example.
        prior_share: of the chains that start at the prior instead.
    """
    mixed = "mixed-" if prior_share else ""
    name = f"anneal-{mixed}{temperatures}x{chains}"

    def compute(chunk: Chunk) -> Arrays:
        found = anneal(
            chunk.target,
            stages.family,
            params_of(fits[chunk.number]),
            before[chunk.number]["steps"],
            temperatures=temperatures,
            chains=chains,
            prior_share=prior_share,
            seed=chunk.seed(name),
        )
        return {
            "log_weight": found.log_weight,
            "acceptance": found.acceptance,
            "steps": found.steps,
            "evaluations": torch.tensor(found.evaluations),
        }

    said = f"{temperatures} temperatures, {chains} chains"
    return stages.run(name, chunks, compute, said)


def from_prior(
    stages: Stages,
    chunks: Sequence[Chunk],
    fits: Sequence[Arrays],
    temperatures: int,
) -> list[Arrays]:
    """A few chains that start at the prior: ``log_weight`` (chain, m).

    Args:
        stages: where it is worked out.
        chunks: of the examples.
        fits: of ``fit``.
        temperatures: of a chain.
    """

    def compute(chunk: Chunk) -> Arrays:
        found = anneal_from_prior(
            chunk.target,
            stages.family,
            params_of(fits[chunk.number]),
            temperatures=temperatures,
            chains=FROM_PRIOR,
            seed=chunk.seed("prior"),
        )
        return {
            "log_weight": found.log_weight,
            "evaluations": torch.tensor(found.evaluations),
        }

    return stages.run(f"prior-{temperatures}", chunks, compute, "chains from the prior")


def sandwiched(
    stages: Stages, chunks: Sequence[Chunk], temperatures: int, chains: int
) -> list[Arrays]:
    """Bounds from both sides on simulated examples: ``forward`` and ``reverse`` (chain, m).

    Args:
        stages: where it is worked out.
        chunks: of the simulated examples, each a ``SimulatedChunk``.
        temperatures: of a chain.
        chains: an example.
    """
    count = sum(len(chunk.index) for chunk in chunks)

    def compute(chunk: Chunk) -> Arrays:
        assert isinstance(chunk, SimulatedChunk)
        target, family = chunk.target, stages.family
        seed = chunk.seed("simulated", "fit")
        params = fit_posterior(target, family, chunk.start, steps=STEPS, seed=seed)
        steps = tune(target, family, params, seed=chunk.seed("simulated", "tune"))
        shape = {"temperatures": temperatures, "chains": chains}
        seeds = [chunk.seed("simulated", way) for way in ("forward", "reverse")]
        forward = anneal(target, family, params, steps, **shape, seed=seeds[0])
        z = chunk.drawn[0]
        reverse = reverse_anneal(target, family, params, steps, z, **shape, seed=seeds[1])
        return {"forward": forward.log_weight, "reverse": reverse}

    name = f"simulated-{count}-{temperatures}x{chains}"
    return stages.run(name, chunks, compute, "simulated data")


def curved(
    stages: Stages, chunks: Sequence[Chunk], fits: Sequence[Arrays], betas: Sequence[float]
) -> list[Arrays]:
    """The decoder's curve: ``log_weight`` and ``distortion`` (β, chain, m) of its chains.

    Args:
        stages: where it is worked out.
        chunks: of the examples.
        fits: of ``fit``.
        betas: in rising order.
    """
    name = "curve-" + xxh3_64_hexdigest(repr(tuple(betas)).encode())

    def compute(chunk: Chunk) -> Arrays:
        start = params_of(fits[chunk.number])
        seed = chunk.seed("curve")
        found = decoder_curve(
            chunk.target, stages.family, start, betas, fit_steps=CURVE_STEPS, seed=seed
        )
        return {
            "log_weight": found.log_weight,
            "distortion": found.distortion,
            "evaluations": torch.tensor(found.evaluations),
        }

    return stages.run(name, chunks, compute, "the decoder's curve")


def named(params: Params) -> dict[str, Tensor]:
    """Parameters as the arrays of a piece."""
    return {f"param.{name}": values for name, values in params.items()}


def params_of(arrays: Arrays) -> Params:
    """The parameters in the arrays of a piece."""
    mark = "param."
    return {k.removeprefix(mark): v for k, v in arrays.items() if k.startswith(mark)}


def joined(found: Sequence[Mapping[str, Tensor]], name: str) -> Tensor:
    """An array of all chunks (..., M)."""
    return torch.cat([each[name] for each in found], -1)


def counted(found: Sequence[Mapping[str, Tensor]]) -> int:
    """The gradients that all chunks took."""
    return sum(int(each["evaluations"]) for each in found)
