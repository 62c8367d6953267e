"""What data a likelihood is defined for: checks that name the example and the value at fault."""

from torch import Tensor

from genprobe.errors import SupportError
from genprobe.likelihoods.parameters import precise

LEVEL_ROUNDING = 1e-3
"""Share of a level by which a value may be off it: float32 and a division leave far less."""


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
    """
    require(likelihood, x, (x >= 0) & (x <= 1), "values in [0, 1]", remedy)


def require_counts(likelihood: str, x: Tensor, remedy: str) -> None:
    """Check that every value of x (batch, *event) is a non-negative integer.

    Raises:
        SupportError: naming the first example with one that is not.
    """
    require(likelihood, x, (x >= 0) & (x == x.round()), "non-negative integers", remedy)


def require_levels(likelihood: str, x: Tensor, levels: int, step: float, remedy: str) -> None:
    """Check that every value of x (batch, *event) is k · step for a whole k from 0 to levels − 1.

    Raises:
        SupportError: naming the first example with one that is not.
    """
    level = precise(x) / step
    near = level.round()
    fine = ((level - near).abs() <= LEVEL_ROUNDING) & (near >= 0) & (near < levels)
    unit = f"/{levels - 1}" if step < 1 else ""
    needs = f"one of the levels 0{unit}, 1{unit}, …, {levels - 1}{unit}"
    require(likelihood, x, fine, needs, remedy)
