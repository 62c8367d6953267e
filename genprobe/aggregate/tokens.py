r"""Tokens: codes that are class indices without noise, as they are counted.

The number of distinct classes in m of n examples is expected to be

.. math::

    \mathbb E\, U(m) = \sum_k \Big[1 - \binom{n - d_k}{m} \Big/ \binom nm\Big]

with d_k the number of examples that class k is in (rarefaction, Hurlbert 1971). Beyond n it goes on
by Chao's estimate of the classes not seen (Chao 1987; Colwell et al. 2012, eq. 4, 12 and 18).
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float64, Int32, Int64
from torch import Tensor

from genprobe.aggregate.blocks import stretches
from genprobe.aggregate.suitable import classes_of_store
from genprobe.distributions.latents import flat
from genprobe.errors import UnavailableError
from genprobe.store.read import Store
from genprobe.types import Family

TOGETHER = 1 << 20
"""Tokens that are looked at together."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """The class indices of n examples.

    Attributes:
        index: (n, k) of every place, flattened.
        classes: how many there are.
        shape: of one z.
        levels: whether its first axis counts the levels of a residual stack.
    """

    index: Int32[Tensor, "n k"]
    classes: int
    shape: tuple[int, ...]
    levels: bool = False

    @cached_property
    def counts(self) -> Int64[Tensor, " classes"]:
        """How often each class is used (classes,)."""
        found = torch.zeros(self.classes, dtype=torch.long)
        for rows in self._rows():
            found += torch.bincount(self.index[rows].flatten(), minlength=self.classes)
        return found

    @cached_property
    def examples(self) -> Int64[Tensor, " classes"]:
        """How many examples each class is in (classes,)."""
        found = torch.zeros(self.classes, dtype=torch.long)
        for rows in self._rows():
            ordered = self.index[rows].sort(1).values
            first = torch.ones_like(ordered, dtype=torch.bool)
            first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
            found += torch.bincount(ordered[first], minlength=self.classes)
        return found

    @property
    def used(self) -> int:
        """How many classes are used at all."""
        return int((self.counts > 0).sum())

    @cached_property
    def surprise(self) -> Float64[Tensor, " n"]:
        """The mean over each example's tokens of −log of the share of their class (n,), nats."""
        cost = -(self.counts.double() / self.index.numel()).log()
        parts = [cost[self.index[rows].long()].mean(1) for rows in self._rows()]
        return torch.cat(parts)

    def level(self, number: int) -> "Tokens":
        """The tokens of one level of a stack."""
        stacked = self.index.view(len(self.index), self.shape[0], -1)
        return Tokens(stacked[:, number].contiguous(), self.classes, self.shape[1:])

    @cached_property
    def unseen(self) -> float:
        """How many classes more examples would use at last, at least, by Chao's estimate."""
        n, once = len(self.index), int((self.examples == 1).sum())
        twice = int((self.examples == 2).sum())
        more = once**2 / (2 * twice) if twice else once * (once - 1) / 2
        return min((n - 1) / n * more, float(self.classes - self.used))

    def used_in(self, m: int) -> float:
        """How many classes so many examples are expected to use: of these, or of more of them.

        Args:
            m: number of examples, from 1.

        Example:
            Two examples of one class each: one of them uses one, both of them two.

            >>> both = Tokens(torch.tensor([[0], [1]], dtype=torch.int32), 5, (1,))
            >>> round(both.used_in(1), 6), round(both.used_in(2), 6)
            (1.0, 2.0)
        """
        n = len(self.index)
        if m > n:
            once = int((self.examples == 1).sum())
            if not self.unseen or not once:
                return float(self.used)
            missed = (1 - once / (n * self.unseen + once)) ** (m - n)
            return self.used + self.unseen * (1 - missed)
        present, how_many = self.examples[self.examples > 0].unique(return_counts=True)  # type: ignore[no-untyped-call]
        left = n - present.double()
        absent = torch.where(
            left >= m,
            torch.exp(log_choose(left.clamp(min=m), m) - log_choose(torch.tensor(n).double(), m)),
            0.0,
        )
        return float(((1 - absent) * how_many).sum())

    def _rows(self) -> list[slice]:
        return list(stretches(len(self.index), max(1, TOGETHER // self.index.shape[1])))


def log_choose(n: Float64[Tensor, " *size"], m: int) -> Float64[Tensor, " *size"]:
    """The logarithm of n over m."""
    whole = torch.tensor(m, dtype=torch.float64)
    return torch.lgamma(n + 1) - torch.lgamma(whole + 1) - torch.lgamma(n - whole + 1)


def tokens_of(store: Store, family: Family) -> Tokens:
    """The tokens of a store.

    Args:
        store: finished.
        family: of its posteriors.

    Raises:
        UnavailableError: if its codes are no class indices, or not certain.
    """
    classes = classes_of_store(store, family)
    if classes is None:
        raise UnavailableError("No tokens: the codes are not class indices.")
    header = store.header
    if bool((store.column("draws/log_qz_x") != 0).any()):
        raise UnavailableError("No tokens: the posteriors leave open which class it is.")
    parts = []
    for segment in range(header.segments):
        rows = torch.arange(*header.span(segment))
        parts.append(flat(store.gather("draws/z", 0, rows), 1).to(torch.int32))
    return Tokens(torch.cat(parts), classes, tuple(header.latent_shape), family.levels)
