"""Log p(x) of some examples by annealed chains: longer ones and more, until the bound settles."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from genprobe.annealing.missed_modes import missed_modes
from genprobe.annealing.rungs import Rung, next_rung, rung_of
from genprobe.runs import annealing_stages
from genprobe.runs.annealed_examples import Chunk
from genprobe.runs.annealing_pieces import Arrays
from genprobe.runs.annealing_stages import Stages, counted, joined
from genprobe.runs.asked_inference import Asked
from genprobe.store.inference import BEFORE, ITERATED, UNMIXED, KeptInference

ANY = 1 << 62
"""Temperatures that no run has."""


def annealed_bound(stages: Stages, chunks: Sequence[Chunk], asked: Asked) -> KeptInference:
    """Log p(x) of the examples by chains that grow until the bound moves no more.

    Where chains from the prior end above them, they have missed a part of some posterior: then half
    of the chains start at the prior.

    Args:
        stages: where it is worked out.
        chunks: of the examples.
        asked: for.
    """
    fits = annealing_stages.fit(stages, chunks)
    found = grown(stages, chunks, fits, asked)
    longest = max(found.temperatures, min(annealing_stages.LEAST_FROM_PRIOR, asked.max_steps))
    others = annealing_stages.from_prior(stages, chunks, fits, longest)
    evaluations = found.evaluations + counted(others)
    arrays = {
        "log_pz": asked.log_pz[asked.index],
        "elbo": joined(fits, "elbo.0"),
        "best_elbo": joined(fits, "elbo.best"),
        **{f"{ITERATED}{k}": joined(fits, f"elbo.{k}") for k in annealing_stages.ITERATED},
        "prior_weight": joined(others, "log_weight"),
    }
    if missed_modes(found.weights[-1], arrays["prior_weight"]).missed:
        arrays[UNMIXED] = found.weights[-1]
        found = grown(stages, chunks, fits, asked, prior_share=0.5)
        evaluations += found.evaluations
    arrays |= {"log_weight": found.weights[-1], "acceptance": found.acceptance}
    if len(found.weights) > 1:
        arrays[BEFORE] = found.weights[-2]
    return KeptInference(
        index=asked.index,
        arrays=arrays,
        facts={
            "temperatures": found.temperatures,
            "chains": len(found.weights[-1]),
            "tolerance": float(asked.tolerance),
            "max_steps": asked.max_steps,
            "reached": found.reached,
            "evaluations": evaluations,
            "prior": asked.prior,
        },
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Grown:
    """What chains found that grew until the bound moved no more.

    Attributes:
        temperatures: of the last run.
        weights: log weights (chain, M) of each run.
        acceptance: (M,) of the last.
        reached: whether the bound settled.
        evaluations: gradients that all runs took.
    """

    temperatures: int
    weights: list[Tensor]
    acceptance: Tensor
    reached: bool
    evaluations: int


def grown(
    stages: Stages,
    chunks: Sequence[Chunk],
    fits: Sequence[Arrays],
    asked: Asked,
    prior_share: float = 0.0,
) -> Grown:
    """Runs of chains, each longer than the one before or of more, until the bound settles.

    Args:
        stages: where it is worked out.
        chunks: of the examples.
        fits: the best posteriors.
        asked: for the tolerance and the most steps.
        prior_share: of the chains that start at the prior.
    """
    last = annealing_stages.tuned(stages, chunks, fits)
    history: list[Rung] = []
    weights: list[Tensor] = []
    grow = functools.partial(next_rung, history, tolerance=asked.tolerance)
    evaluations = 0
    while shape := grow(max_steps=asked.max_steps):
        last = annealing_stages.annealed(stages, chunks, fits, last, *shape, prior_share)
        evaluations += counted(last)
        weights.append(joined(last, "log_weight"))
        history.append(rung_of(weights[-1], shape[0]))
    return Grown(
        temperatures=history[-1].temperatures,
        weights=weights,
        acceptance=joined(last, "acceptance"),
        reached=grow(max_steps=ANY) is None,
        evaluations=evaluations,
    )
