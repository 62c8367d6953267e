"""A grid of class indices that is certain: all mass at one value of z.

The index is in a floating dtype, as z is everywhere: float32 holds whole numbers up to 2²⁴ exactly.
"""

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints, register_kl
from torch.types import _size

ONE = torch.Size()
"""The shape of a single sample."""


class CertainCodes(Distribution):
    """Class indices at which all mass lies.

    Args:
        index: (batch, *grid) whole numbers from 0.
        classes: how many there are.

    Example:
        >>> q = CertainCodes(torch.tensor([[3.0, 1.0]]), 5)
        >>> q.log_prob(torch.tensor([[[3.0, 1.0]], [[3.0, 2.0]]])).tolist()
        [[0.0], [-inf]]
    """

    arg_constraints = {"index": constraints.nonnegative_integer}  # noqa: RUF012 - as torch has it

    def __init__(self, index: Tensor, classes: int) -> None:
        self.index = index
        self.classes = classes
        super().__init__(index.shape[:1], index.shape[1:], validate_args=False)

    @property
    def support(self) -> Any:
        """Class indices at every place."""
        one = constraints.integer_interval(0, self.classes - 1)  # type: ignore[no-untyped-call]
        return constraints.independent(one, len(self.event_shape))  # type: ignore[no-untyped-call]

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """The index itself, so many times."""
        return self.index.expand(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """0 at the index, minus infinity elsewhere."""
        away = value != self.index
        if self.event_shape:
            away = away.flatten(value.dim() - len(self.event_shape)).any(-1)
        zero = torch.zeros((), dtype=self.index.dtype, device=self.index.device)
        return torch.where(away, -torch.inf, zero)

    def entropy(self) -> Tensor:
        """None at all (batch,)."""
        return self.index.new_zeros(self.batch_shape)


@register_kl(CertainCodes, CertainCodes)  # type: ignore[no-untyped-call, untyped-decorator]
def kl_of_codes(q: CertainCodes, p: CertainCodes) -> Tensor:
    """The divergence of two certain codes: 0 where they are the same, infinite elsewhere."""
    return -p.log_prob(q.index)


def classes_of(distribution: Distribution) -> int | None:
    """How many classes the entries of z are indices of; None of any other distribution.

    Args:
        distribution: over z.

    Example:
        >>> classes_of(torch.distributions.Categorical(logits=torch.zeros(5)))
        5
    """
    try:
        support: Any = distribution.support
    except NotImplementedError:
        return None
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    if support is constraints.boolean:
        return 2
    first, last = (getattr(support, f"{end}_bound", None) for end in ("lower", "upper"))
    if not support.is_discrete or last is None or first != 0:
        return None
    return int(last) + 1
