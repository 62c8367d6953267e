"""Contexts of class indices on a grid, and tables of how often each index is in each.

Every context of a token lies before it in raster order: its level and position, the neighbour to
the left, that above, the level before, and two of these at once.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float64, Int32, Int64
from torch import Tensor

ROOT, LEVEL, POSITION, LEFT, ABOVE, BEFORE, AROUND = (
    "root",
    "level",
    "position",
    "left",
    "above",
    "before",
    "around",
)
DENSE = 1 << 18
"""Contexts below this number are looked up by it, and not searched for."""
EXACT = 1 << 53
"""Keys of tables are below: a file may hold them in float64."""


@dataclass(frozen=True)
class Layout:
    """How the tokens of one z lie.

    Attributes:
        shape: of z.
        classes: how many there are.
        levels: whether the first axis counts the levels of a residual stack.
    """

    shape: tuple[int, ...]
    classes: int
    levels: bool

    @property
    def neighbours(self) -> tuple[str, ...]:
        """The contexts that are tokens."""
        grid = self.shape[1:] if self.levels else self.shape
        known = {LEFT: len(grid) > 0, ABOVE: len(grid) > 1, BEFORE: self.levels}
        return tuple(name for name, there in known.items() if there)

    @property
    def pairs(self) -> bool:
        """Whether two neighbours at once can be one context."""
        stacked = self.shape[0] if self.levels else 1
        keys = stacked * (self.classes + 1) ** 2 * self.classes
        return len(self.neighbours) > 1 and keys < EXACT


@dataclass(frozen=True, eq=False)
class Table:
    """Counts of tokens in one context.

    Attributes:
        keys: (u,) context · classes + token, sorted.
        counts: (u,) of each.
        contexts: (c,) those that were seen, sorted.
        totals: (c,) of each.
        concentration: of the smoothing.
        classes: how many there are.
    """

    keys: Int64[Tensor, " u"]
    counts: Int32[Tensor, " u"]
    contexts: Int64[Tensor, " c"]
    totals: Int32[Tensor, " c"]
    concentration: float
    classes: int

    @classmethod
    def of(cls, keys: Tensor, counts: Tensor, concentration: float, classes: int) -> "Table":
        """The table of some keys, sorted, and their counts."""
        keys, counts = keys.long(), counts.to(torch.int32)
        contexts, which = torch.unique_consecutive(keys // classes, return_inverse=True)
        totals = torch.zeros(len(contexts), dtype=torch.int32).index_add_(0, which, counts)
        return cls(keys, counts, contexts, totals, concentration, classes)

    def found(
        self, context: Int64[Tensor, " t"], token: Int64[Tensor, " t"]
    ) -> tuple[Float64[Tensor, " t"], Float64[Tensor, " t"]]:
        """Counts of tokens in their contexts, and of the contexts."""
        count = looked_up(self.keys, self.counts, context * self.classes + token)
        if self._dense is None:
            return count, looked_up(self.contexts, self.totals, context)
        return count, self._dense[context.clamp(max=len(self._dense) - 1)].double()

    @cached_property
    def _dense(self) -> Int32[Tensor, " contexts"] | None:
        """The total of every context by its number; None where numbers are large."""
        last = int(self.contexts[-1]) if len(self.contexts) else 0
        if last >= DENSE:
            return None
        totals = torch.zeros(last + 2, dtype=torch.int32)
        totals[self.contexts] = self.totals
        return totals

    def smoothed(
        self,
        context: Int64[Tensor, " t"],
        token: Int64[Tensor, " t"],
        lower: Float64[Tensor, " t"],
    ) -> Float64[Tensor, " t"]:
        """The probability of tokens in their contexts."""
        count, total = self.found(context, token)
        return (count + self.concentration * lower) / (total + self.concentration)

    def rows(self, context: Int64[Tensor, " n"]) -> Float64[Tensor, "n classes"]:
        """The counts of all classes in some contexts."""
        ends = torch.stack([context, context + 1]) * self.classes
        first, last = torch.searchsorted(self.keys, ends)
        length = last - first
        row = torch.repeat_interleave(torch.arange(len(context)), length)
        place = torch.arange(len(row)) - (length.cumsum(0) - length)[row] + first[row]
        found = torch.zeros(len(context), self.classes, dtype=torch.float64)
        found[row, self.keys[place] % self.classes] = self.counts[place].double()
        return found


def looked_up(
    keys: Int64[Tensor, " u"], values: Int32[Tensor, " u"], wanted: Int64[Tensor, " t"]
) -> Float64[Tensor, " t"]:
    """The values of keys that are wanted; 0 of those that are not there.

    Example:
        >>> keys, values = torch.tensor([2, 5]), torch.tensor([7, 9], dtype=torch.int32)
        >>> looked_up(keys, values, torch.tensor([5, 3, 6])).tolist()
        [9.0, 0.0, 0.0]
    """
    if not len(keys):
        return torch.zeros(len(wanted), dtype=torch.float64)
    wanted = wanted.contiguous()
    place = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    return torch.where(keys[place] == wanted, values[place].double(), 0.0)


def context_of(name: str, z: Int64[Tensor, "n k"], layout: Layout) -> Int64[Tensor, "n k"]:
    """The context of every token, as a number.

    Args:
        name: of the context.
        z: class indices, flattened.
        layout: of them.
    """
    k = z.shape[1]
    stacked = layout.shape[0] if layout.levels else 1
    level = torch.arange(k) // (k // stacked)
    if name == ROOT:
        return torch.zeros((), dtype=torch.long).expand_as(z)
    if name == LEVEL:
        return level.expand_as(z)
    if name == POSITION:
        return torch.arange(k).expand_as(z)
    if name == AROUND:
        one, other = (beside(each, z, layout) for each in layout.neighbours[:2])
        return (level * (layout.classes + 1) + one) * (layout.classes + 1) + other
    return level * (layout.classes + 1) + beside(name, z, layout)


def beside(name: str, z: Int64[Tensor, "n k"], layout: Layout) -> Int64[Tensor, "n k"]:
    """The neighbour of every token; at the border, one more class."""
    axis = {LEFT: -1, ABOVE: -2, BEFORE: 1}[name]
    grid = z.view(len(z), *layout.shape)
    moved = torch.full_like(grid, layout.classes)
    length = grid.shape[axis]
    moved.narrow(axis, 1, length - 1).copy_(grid.narrow(axis, 0, length - 1))
    return moved.view_as(z)
