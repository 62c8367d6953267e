"""The whole procedure for some examples: a fit, a run that tunes, and runs until they settle."""

from dataclasses import dataclass

from genprobe.annealing.ais import Anneal, anneal, tune
from genprobe.annealing.posterior_fit import STEPS, fit_posterior
from genprobe.annealing.rungs import MOST_STEPS, Rung, next_rung, rung_of
from genprobe.annealing.target import Target
from genprobe.runtime.seeds import derived_seed
from genprobe.types import Family, Params


@dataclass(frozen=True, kw_only=True, eq=False)
class Settled:
    """What was found.

    Attributes:
        best: parameters of the best posteriors, each (M, ...), float64.
        last: the last run.
        history: what each run said, the last included.
        evaluations: gradients of log p(x|z) of all runs and of tuning, without those of the fit.
    """

    best: Params
    last: Anneal
    history: tuple[Rung, ...]
    evaluations: int


def settle(
    target: Target,
    family: Family,
    params: Params,
    *,
    tolerance: float = 0.01,
    max_steps: int = MOST_STEPS,
    fit_steps: int = STEPS,
    seed: int,
) -> Settled:
    """Bound log p(x) of M examples, by chains that grow until the bound has settled.

    Args:
        target: of M examples.
        family: of q(z|x).
        params: where the fit starts, each (M, ...).
        tolerance: nats.
        max_steps: the most temperatures of a chain.
        fit_steps: of the fit.
        seed: of all noise.

    Raises:
        UnavailableError: if the family cannot be annealed from, with the reason.

    Example:
        The posterior of N(z, 1) under a standard normal prior at x = 1: p(x) = N(1; 0, 2).

        >>> import torch
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> target = Target(
        ...     log_px_z=lambda z, rows: (-(1 - z[:, 0]).square() / 2 - 0.918939, 1 - z),
        ...     log_pz=lambda z: (-z[:, 0].square() / 2 - 0.918939, -z),
        ... )
        >>> params = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> found = settle(target, diagonal_normal, params, fit_steps=200, seed=0)
        >>> round(found.history[-1].bound, 2)  # −½ ln 4π − ¼
        -1.52
    """
    own = derived_seed(seed, "fit")
    best = fit_posterior(target, family, params, steps=fit_steps, seed=own)
    steps = tune(target, family, best, seed=derived_seed(seed, "tune"))
    evaluations, last = 0, None
    history: list[Rung] = []
    while wanted := next_rung(history, tolerance=tolerance, max_steps=max_steps):
        temperatures, chains = wanted
        own = derived_seed(seed, "rung", len(history))
        last = anneal(
            target, family, best, steps, temperatures=temperatures, chains=chains, seed=own
        )
        steps, evaluations = last.steps, evaluations + last.evaluations
        history.append(rung_of(last.log_weight, temperatures))
    assert last is not None  # the first run is always wanted
    return Settled(best=best, last=last, history=tuple(history), evaluations=evaluations)
