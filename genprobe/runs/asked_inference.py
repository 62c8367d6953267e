"""What a user wants to know of inference, and whether a store has it already."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.analysis.options import Options
from genprobe.annealing.rungs import MOST_STEPS
from genprobe.estimators.annealing import log_prior_of, same_log_prior
from genprobe.runtime.seeds import random_rows
from genprobe.store.inference import VERSION, KeptInference
from genprobe.store.read import Store

log = logging.getLogger("genprobe")


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What a user wants to know of inference.

    Attributes:
        index: (M,) the examples, rising.
        log_pz: (N,) log p(z) at the first stored draw of every example, which tells the prior.
        prior: its name.
        simulate: number of simulated examples.
        betas: of the decoder's curve.
        tolerance: nats by which the bound is to move no more.
        max_steps: most temperatures of a chain.
    """

    index: Int64[Tensor, " m"]
    log_pz: Float64[Tensor, " n"]
    prior: str
    simulate: int
    betas: Sequence[float]
    tolerance: float
    max_steps: int

    @property
    def identity(self) -> str:
        """What the numbers of its pieces depend on, besides the store."""
        said = (VERSION, self.index.tolist(), self.log_pz.tolist(), self.tolerance, self.max_steps)
        return repr(said)

    def served_by(self, kept: KeptInference | None) -> bool:
        """Whether a store has as much, and no less exact, but for simulated data and curve.

        Args:
            kept: what it has.
        """
        if kept is None or len(kept.index) < len(self.index):
            return False
        exact = kept.facts["tolerance"] <= self.tolerance
        long = kept.facts["reached"] or kept.facts["max_steps"] >= self.max_steps
        same = same_log_prior(kept.arrays["log_pz"], self.log_pz[kept.index])
        return bool(exact and long and same)


def asked_of(store: Store, options: Options, replaced: Any, name: str) -> Asked:
    """What a user wants to know of a store's model.

    Args:
        store: finished.
        options: what the user chose.
        replaced: another prior than the store's; None for its own.
        name: of the prior.
    """
    n, wanted = store.header.n, options.inference or 0
    if wanted > n:
        log.info("The data have %d examples: --inference takes all.", n)
    return Asked(
        index=random_rows(n, wanted, store.header.seed, "inference"),
        log_pz=log_prior_of(store, replaced, torch.arange(n)),
        prior=name,
        simulate=options.simulate or 0,
        betas=options.betas,
        tolerance=options.tolerance,
        max_steps=options.max_steps or MOST_STEPS,
    )


def is_whole(kept: KeptInference, asked: Asked) -> bool:
    """Whether a store has the simulated data and the curve that were asked for as well."""
    return kept.simulated >= asked.simulate and set(asked.betas) <= set(kept.betas)
