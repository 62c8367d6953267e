"""What data a likelihood is defined for: checks that name the example and the value at fault."""

from torch import Tensor
from torch.distributions.constraints import Constraint

from genprobe.errors import SupportError
from genprobe.likelihoods.parameters import precise

LEVEL_ROUNDING = 1e-3
"""Share of a level by which a value may be off it: float32 and a division leave far less."""


class Levels(Constraint):
    """The values k · step for a whole k from 0 to levels − 1, up to rounding.

    Args:
        levels: how many there are.
        step: between neighbours.
    """

    is_discrete = True
    event_dim = 0

    def __init__(self, levels: int, step: float) -> None:
        self.levels, self.step = levels, step

    def check(self, value: Tensor) -> Tensor:
        """Whether each value is one."""
        level = precise(value) / self.step
        near = level.round()
        return ((level - near).abs() <= LEVEL_ROUNDING) & (near >= 0) & (near < self.levels)


def require(likelihood: str, x: Tensor, fine: Tensor, needs: str, remedy: str) -> None:
    """Check that every value of x (batch, *event) is fine (batch, *event).

    Raises:
        SupportError: naming the first example with one that is not, and the value.
    """
    if fine.all():
        return
    example = int((~fine.reshape(len(x), -1).all(1)).nonzero()[0])
    value = x[example][~fine[example]].flatten()[0]
    raise SupportError(example, value.item(), likelihood, needs, remedy)


def require_unit_interval(likelihood: str, x: Tensor, remedy: str) -> None:
    """Check that every value of x (batch, *event) lies in [0, 1].

    Raises:
        SupportError: naming the first example with one that does not.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.5], [1.5]])
        >>> require_unit_interval("bernoulli", x, "Scale them.")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        genprobe.errors.SupportError: Example 1 has the value 1.5; ...
    """
    low, high = x.aminmax()  # one pass, where looking at each value takes five
    if not (low >= 0 and high <= 1):
        require(likelihood, x, (x >= 0) & (x <= 1), "values in [0, 1]", remedy)


def require_counts(likelihood: str, x: Tensor, remedy: str) -> None:
    """Check that every value of x (batch, *event) is a non-negative integer.

    Raises:
        SupportError: naming the first example with one that is not.

    Example:
        >>> import torch
        >>> require_counts("poisson", torch.tensor([[0.0, 2.0]]), "Give counts.")
    """
    require(likelihood, x, (x >= 0) & (x == x.round()), "non-negative integers", remedy)


def require_levels(likelihood: str, x: Tensor, levels: int, step: float, remedy: str) -> None:
    """Check that every value of x (batch, *event) is k · step for a whole k from 0 to levels − 1.

    Raises:
        SupportError: naming the first example with one that is not.

    Example:
        >>> import torch
        >>> require_levels("categorical", torch.tensor([[0.0, 2.0]]), 3, 1.0, "Give classes.")
    """
    fine = Levels(levels, step).check(x)
    unit = f"/{levels - 1}" if step < 1 else ""
    needs = f"one of the levels 0{unit}, 1{unit}, …, {levels - 1}{unit}"
    require(likelihood, x, fine, needs, remedy)
