r"""Labels as columns of the pass over all components: q(y|z) of every label at once.

.. math::

    q(y|z) = \frac{\sum_{n: y_n = y} q(z|x_n)}{\sum_{n: y_n \text{ known}} q(z|x_n)}

Each label has a column a class. One with missing values has two more, from which the entropy of the
index among the examples that have a label follows. Of examples that are equal the component is one,
and belongs to a class as often as its copies do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.tally import Tallied, Tally
from genprobe.types.label import Label

QUERIES = 4096
WORK = QUERIES * 40
"""Columns times queries: what a pass costs for them is at most about half of a pilot."""
LEAST = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelColumns:
    """Where one label is in the tally.

    Attributes:
        label: the label.
        first: its first column.
        known: position among the moments of the column of all that have a label; None where all do.
    """

    label: Label
    first: int
    known: int | None

    @property
    def classes(self) -> slice:
        """Its columns of classes."""
        return slice(self.first, self.first + len(self.label.classes))

    def share_by_class(self, tallied: Tallied) -> Float64[Tensor, "m c"]:
        """Values of q(y|z) (m, c); 0 throughout where no labelled example has any density."""
        shares = tallied.shares[:, self.classes]
        return shares / shares.sum(1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)

    def index_entropy(
        self, tallied: Tallied, everything: Float64[Tensor, " m"]
    ) -> Float64[Tensor, " m"]:
        """H[q(n|z)] among the examples that have a label (m,), nats.

        Args:
            tallied: of all components.
            everything: (m,) the same among all examples.
        """
        if self.known is None:
            return everything
        known = tallied.shares[:, self.classes.stop].clamp(min=torch.finfo(torch.float64).tiny)
        inside = tallied.moments[:, self.known] + tallied.shares[:, self.classes.stop + 1]
        return (known.log() - inside / known).clamp(min=0.0)


def label_columns(
    labels: Sequence[Label], distinct: DistinctExamples | None = None
) -> tuple[Tally, list[LabelColumns]]:
    """What a pass sums for some labels, and where each of them is in it.

    Args:
        labels: of the same N examples, at least one.
        distinct: the distinct examples, if some are equal.

    Example:
        >>> y = Label(name="y", values=np.array([0, 1, -1]), classes=("a", "b"))
        >>> tally, [columns] = label_columns([y])
        >>> tally.of(torch.arange(3))[:, columns.classes].tolist()
        [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """
    parts: list[Any] = []
    found: list[LabelColumns] = []
    moments: list[int] = []
    first = 0
    for label in labels:
        rows = by_component(one_hot(label.values, len(label.classes)), distinct)
        partly = bool((label.values < 0).any())
        found.append(LabelColumns(label=label, first=first, known=len(moments) if partly else None))
        parts.append(rows)
        first += rows.shape[1]
        if partly:
            known = scipy.sparse.csr_array(rows.sum(1).reshape(-1, 1))
            logs = known.copy()
            logs.data = known.data * np.log(known.data)
            parts += [known, logs]
            moments.append(first)
            first += 2
    rows = scipy.sparse.csr_array(scipy.sparse.hstack(parts, format="csr"))
    queries = min(QUERIES, max(LEAST, WORK // first))
    return Tally(rows=rows, moments=tuple(moments), queries=queries), found


def one_hot(values: np.ndarray, classes: int) -> Any:
    """Rows of zeros but for a one at each value (n, classes), sparse; none where it is missing."""
    where = np.flatnonzero(values >= 0)
    ones = np.ones(len(where))
    return scipy.sparse.csr_array((ones, (where, values[where])), shape=(len(values), classes))


def by_component(rows: Any, distinct: DistinctExamples | None) -> Any:
    """Rows of every distinct example: the means of those of its copies."""
    if distinct is None:
        return rows
    which, count = distinct.which.numpy(), distinct.count.numpy()
    shape = (len(distinct), len(which))
    means = (1 / count[which], (which, np.arange(len(which))))
    return scipy.sparse.csr_array(means, shape=shape) @ rows


def values_of(label: Label) -> Int64[Tensor, " n"]:
    """The values of a label as a tensor (n,), −1 where one is missing."""
    return torch.from_numpy(np.ascontiguousarray(label.values, dtype=np.int64))
