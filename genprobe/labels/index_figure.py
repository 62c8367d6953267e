r"""What the code says of a label for these N examples.

.. math::

    I(y;z) = H(y) - \mathbb E_{q(z)} H[q(y|z)], \qquad
    I(n;z) = I(y;z) + I(n;z|y)

Exact for these N up to the draws of z: the label is summed out over all N (Rao-Blackwellised). Once
codes are separated it is H(y) for any label, also a random one, since H[q(y|z)] ≤ H[q(n|z)]. The
identity holds draw by draw: all three terms are of the same draws, on the examples that have a
label, without control variates.

Over the data the influence of an example is ψ_n = E log(q(y_n|z)/π_{y_n}) − I(y;z).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.distinct import most_information
from genprobe.aggregate.queries import Queries
from genprobe.estimators.information_error import data_error_of, spread_of_examples
from genprobe.estimators.standard_error import within_error
from genprobe.labels.columns import LabelColumns, values_of
from genprobe.report.estimate import Estimate

SATURATED = 0.9
"""A random label's share of I(y;z) from which on that says nothing."""
NEGLIGIBLE = 1e-12


@dataclass(frozen=True, eq=False)
class AtQueries:
    """A label at the queries of examples that have one, draws first.

    Attributes:
        index: (t,) the examples.
        values: (t,) their classes.
        shares: (draw, t, c) q(y|z).
        others: (draw, t, c) q(y|z) without the example itself and its copies.
        index_entropy: (draw, t) H[q(n|z)] among the examples that have a label, nats.
        which: (t,) the distinct example that each is; None where all differ.
        copies: (t,) how many there are of each.
    """

    index: Int64[Tensor, " t"]
    values: Int64[Tensor, " t"]
    shares: Float64[Tensor, "draw t c"]
    others: Float64[Tensor, "draw t c"]
    index_entropy: Float64[Tensor, "draw t"]
    which: Int64[Tensor, " t"] | None
    copies: Float64[Tensor, " t"]


def at_queries(queries: Queries, columns: LabelColumns) -> AtQueries:
    """A label at the queries that were tallied.

    Args:
        queries: with the tally.
        columns: where the label is in it.
    """
    shape = queries.tallied_shape
    if queries.tallied is None or queries.tallied_loo is None:
        raise ValueError("queries without a tally")
    index = queries.index[: shape[1]]
    values = values_of(columns.label)[index]
    known = values >= 0
    entropy = queries.index_entropy[: shape[0], : shape[1]].flatten()
    shares = columns.share_by_class(queries.tallied).view(*shape, -1)
    others = columns.share_by_class(queries.tallied_loo).view(*shape, -1)
    inside = columns.index_entropy(queries.tallied, entropy).view(shape)
    which = queries.which
    return AtQueries(
        index[known],
        values[known],
        shares[:, known],
        others[:, known],
        inside[:, known],
        None if which is None else which[: shape[1]][known],
        queries.copies[: shape[1]][known],
    )


def frequencies(values: Int64[Tensor, " n"], classes: int) -> Float64[Tensor, " c"]:
    """The share of each class among the examples that have one (c,)."""
    counts = torch.bincount(values[values >= 0], minlength=classes).double()
    return counts / counts.sum()


def index_information(
    at: AtQueries, pi: Float64[Tensor, " c"], n: int
) -> tuple[Estimate, Float64[Tensor, "draw t"]]:
    """I(y;z) for these N examples, nats, and what each draw adds to it by its own example.

    Args:
        at: the label at the queries.
        pi: (c,) frequencies of the classes.
        n: number of examples that have a label.

    Example:
        Codes that tell the class for certain.

        >>> one = torch.eye(2).double()[None]
        >>> none = torch.zeros(1, 2).double()
        >>> copies = torch.ones(2).double()
        >>> at = AtQueries(torch.arange(2), torch.arange(2), one, one, none, None, copies)
        >>> found, _ = index_information(at, torch.full((2,), 0.5).double(), 2)
        >>> found.value == math.log(2)
        True
    """
    entropy = float(torch.special.entr(pi).sum())
    terms = entropy - torch.special.entr(at.shares).sum(2)
    own = at.shares.gather(2, at.values.expand(len(terms), -1)[:, :, None])[:, :, 0]
    paired = own.clamp(min=NEGLIGIBLE).log() - pi[at.values].log()
    se = within_error(terms, n)
    spread = spread_of_examples(paired, which=at.which, copies=at.copies, capped=True)
    estimate = Estimate(
        name="label_information_index",
        value=min(max(0.0, float(terms.mean())), entropy),
        se=se,
        se_data=data_error_of(spread, se, n),
        kind="estimate",
        n=len(at.index),
    )
    return estimate, paired


class IndexIdentity(NamedTuple):
    """The three terms of I(n;z) = I(y;z) + I(n;z|y), each (draw, t), nats."""

    everything: Float64[Tensor, "draw t"]
    label: Float64[Tensor, "draw t"]
    remainder: Float64[Tensor, "draw t"]


def identity(at: AtQueries, pi: Float64[Tensor, " c"], cap: float) -> IndexIdentity:
    """The identity draw by draw, on the examples that have a label.

    Args:
        at: the label at the queries.
        pi: (c,) frequencies of the classes.
        cap: the most that I(n;z) can be for these examples, nats.
    """
    entropy = float(torch.special.entr(pi).sum())
    of_label = torch.special.entr(at.shares).sum(2)
    within = at.index_entropy - of_label  # H[q(n|z, y)]
    remainder = cap - entropy - within
    label = entropy - of_label
    return IndexIdentity(label + remainder, label, remainder)


def cap_of(which: Int64[Tensor, " n"] | None, n: int) -> float:
    """The most that I(n;z) can be for n examples: log n, or the entropy of the distinct ones.

    Args:
        which: (n,) the distinct example that each is; None where all differ.
        n: number of examples.
    """
    if which is None:
        return most_information(n, None)
    counts = torch.unique(which, return_counts=True)[1].double()
    return float(torch.special.entr(counts / n).sum())


def saturated(at: AtQueries, pi: Float64[Tensor, " c"], information: float) -> bool:
    """Whether I(y;z) for these N would be as large for a random label.

    Of any label H[q(y|z)] is at most H[q(n|z)], so I(y;z) is at least H(y) less the mean of that.

    Args:
        at: the label at the queries.
        pi: (c,) frequencies of the classes.
        information: I(y;z), nats.
    """
    entropy = float(torch.special.entr(pi).sum())
    random = entropy - float(at.index_entropy.clamp(max=entropy).mean())
    return information > 0 and random >= SATURATED * information


def miller_madow(classes: int, n: int) -> float:
    """What the entropy of frequencies lacks of that of the population, nats: (C − 1)/2N.

    Example:
        >>> miller_madow(3, 100)
        0.01
    """
    return (classes - 1) / (2 * n)


def label_entropy(pi: Float64[Tensor, " c"], n: int) -> Estimate:
    """H(Y) of the population, nats (Miller 1955).

    Args:
        pi: (c,) frequencies of the classes, of which there are at least two.
        n: number of examples that have a label.

    Example:
        >>> round(label_entropy(torch.tensor([0.2, 0.8]).double(), 1000).value, 4)
        0.5009
    """
    here = pi[pi > 0]
    plain = float(torch.special.entr(here).sum())
    spread = float((here * here.log().square()).sum()) - plain**2
    return Estimate(
        name="label_entropy",
        value=min(plain + miller_madow(len(here), n), math.log(len(here))),
        se=0.0,
        se_data=math.sqrt(max(0.0, spread) / n),
        kind="estimate",
        n=n,
    )
