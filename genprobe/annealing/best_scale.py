"""The scale at which posteriors are fitted where a likelihood has one scale for all the data.

It is known only after all the data, and what a posterior is depends on it. So a few examples are
fitted first, again and again, each time at the scale that is best for what was found before. All
examples are then fitted at the last, and the scale of the report is the best for all of them.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from genprobe.annealing.without_encoder import Start, best_start, fitted, fitting_of, start_of
from genprobe.encoding.calls import Calls
from genprobe.encoding.context import context_of, join_contexts
from genprobe.encoding.examples import read_examples
from genprobe.encoding.parts import Fitting
from genprobe.runtime.seeds import derived_seed, random_rows, seeded
from genprobe.types import Dataset, FittedScale, Params

EXAMPLES, ROUNDS, STEPS, DRAWS = 16, 6, 150, 8
"""Examples that are fitted first, how often, by how many steps, and draws that judge each fit."""


def fitting_to(calls: Calls, dataset: Dataset, seed: int) -> Fitting:
    """How posteriors are fitted under a model without an encoder, at the best scale if it has one.

    Args:
        calls: of the model, in place.
        dataset: that it is evaluated on.
        seed: of the run.

    Raises:
        ModelError: if nothing says the shape of z, it is no row of real numbers, or the decoder or
            its gradient fails.
    """
    start, likelihood = start_of(calls, seed), calls.likelihood
    if likelihood is None or likelihood.fit_scale is None:
        return fitting_of(start)
    rows = random_rows(dataset.n, EXAMPLES, seed, "scale").tolist()
    each = [read_examples(dataset, row, row + 1, calls.dtype) for row in rows]
    contexts = [context_of(calls.model, dataset, x, row) for x, row in zip(each, rows, strict=True)]
    here = calls.given(join_contexts(contexts))
    return fitting_of(start, best_scale(here, torch.cat(each), start, likelihood.fit_scale))


def best_scale(
    calls: Calls, x: Tensor, start: Start, fit_scale: Callable[[float, int], FittedScale]
) -> FittedScale | None:
    """The scale that is best for posteriors fitted at it; None where the decoder is exact.

    Args:
        calls: of the decoder, with the context of these examples.
        x: (n, *event).
        start: of the fits.
        fit_scale: of the likelihood.
    """
    params, found = best_start(calls, x, start, None), None
    for turn in range(ROUNDS):
        unit = unit_distortion(calls, x, params, derived_seed(start.seed, "scale", turn))
        scale = fit_scale(unit, x[0].numel())
        if not math.isfinite(scale.factor):
            break
        found = scale
        params = fitted(calls, x, start, params, scale=found, steps=STEPS)
    return found


def unit_distortion(calls: Calls, x: Tensor, params: Params, seed: int) -> float:
    """The mean of −log p(x|z) at scale 1 under some posteriors, nats.

    Args:
        calls: with the context of these examples.
        x: (n, *event).
        params: of q(z|x), each (n, ...).
        seed: of the draws.
    """
    with seeded(seed):
        z = calls.posterior.sample(params, DRAWS)
    return -float(torch.stack([calls.log_px_z(x, draw) for draw in z]).mean())
