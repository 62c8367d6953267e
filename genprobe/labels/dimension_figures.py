"""I(y;z_j) of one dimension: the figure for these N, the leave-one-out bound, and what it adds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.standard_error import data_error, within_error
from genprobe.estimators.students_t import students_t
from genprobe.labels.class_shares import TEMPERS
from genprobe.labels.cross_fitting import folds_of, pick, scores_by_draw
from genprobe.labels.index_figure import AtQueries, index_information, miller_madow
from genprobe.report.estimate import Estimate

LEVEL = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class DimensionFigure:
    """What one dimension says of a label.

    Attributes:
        index: position in the flattened latent.
        information: I(y;z_j) for these N, nats.
        leave_one_out: a lower bound on that of the population, nats.
        terms: (draw, t) what each draw adds to the mean of the two, nats.
        which: (t,) the distinct example that each is; None where all differ.
    """

    index: int
    information: Estimate
    leave_one_out: Estimate
    terms: Float64[Tensor, "draw t"]
    which: Int64[Tensor, " t"] | None


def dimension_figure(
    index: int, at: AtQueries, pi: Float64[Tensor, " c"], n: int, seed: int
) -> DimensionFigure:
    """What one dimension says of a label.

    Args:
        index: position in the flattened latent.
        at: the label at the queries, by shares of this dimension alone.
        pi: (c,) frequencies of the classes.
        n: number of examples that have the label.
        seed: of the folds in which the tempering is chosen.
    """
    information, paired = index_information(at, pi, n)
    left_out = left_out_terms(at, pi, seed)
    bound = left_out + miller_madow(int((pi > 0).sum()), n)
    leave_one_out = Estimate(
        name="label_information",
        value=max(0.0, float(bound.mean())),
        se=within_error(bound, n),
        se_data=data_error(bound, at.which),
        kind="lower",
        n=len(at.index),
    )
    return DimensionFigure(
        index=index,
        information=information,
        leave_one_out=leave_one_out,
        terms=(paired + left_out) / 2,
        which=at.which,
    )


def left_out_terms(
    at: AtQueries, pi: Float64[Tensor, " c"], seed: int
) -> Float64[Tensor, "draw t"]:
    """Values of log r(y_n|z_j) − log π (draw, t), each fold's tempering chosen by the others."""
    found = {f"{temper:g}": scores_by_draw(at, pi, temper) for temper in TEMPERS}
    fold = folds_of(at.index, at.which, seed)
    means = {name: terms.mean(0) for name, terms in found.items()}
    parts = [(fold == f, found[pick(means, fold != f)]) for f in range(int(fold.max()) + 1)]
    whole = torch.empty_like(parts[0][1])
    for mine, terms in parts:
        whole[:, mine] = terms[:, mine]
    return whole


def informative(figures: Sequence[DimensionFigure]) -> tuple[int, ...]:
    """The dimensions that are known to say something of the label, most first.

    Those whose leave-one-out bound is above zero by more than its error, at 95 % for all together.
    """
    if not figures:
        return ()
    limit = students_t(LEVEL / len(figures), math.inf)
    said = [
        f for f in figures if f.leave_one_out.value > limit * (f.leave_one_out.se_data or math.inf)
    ]
    return tuple(f.index for f in sorted(said, key=lambda f: -f.leave_one_out.value))
