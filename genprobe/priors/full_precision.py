"""A torch distribution with all of its tensors in float64, on the CPU and without gradients."""

import copy
from typing import Any

from torch import Tensor
from torch.distributions import Distribution, LowRankMultivariateNormal, Transform

TORCH = "torch.distributions."


def full_precision(distribution: Distribution) -> Distribution | None:
    """The same distribution in float64.

    Args:
        distribution: made of the classes of torch.distributions, however deep.

    Returns:
        A copy; None if something in it is not torch's own, whose tensors may be anywhere.
    """
    try:
        copied: Distribution = doubled(distribution, {})
    except TypeError:
        return None
    return copied


def doubled(value: Any, done: dict[int, Any]) -> Any:
    """A part of a distribution in float64.

    Args:
        value: the part.
        done: copies made so far, by what they are of: a transform and its inverse hold each other.

    Raises:
        TypeError: if it is of a class that is not torch's own.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        return value.double() if value.is_floating_point() else value
    if isinstance(value, list | tuple):
        return type(value)(doubled(item, done) for item in value) if parts(value) else value
    if not isinstance(value, Distribution | Transform):
        return value
    if not type(value).__module__.startswith(TORCH):
        raise TypeError(type(value).__name__)
    if id(value) not in done:
        twin = done[id(value)] = copy.copy(value)
        vars(twin).update({name: doubled(item, done) for name, item in vars(value).items()})
        if isinstance(twin, LowRankMultivariateNormal):
            # It holds a factorisation besides, made in the precision that the tensors had.
            made = LowRankMultivariateNormal(
                twin.loc, twin.cov_factor, twin.cov_diag, twin._validate_args
            )
            vars(twin).update(vars(made))
    return done[id(value)]


def parts(values: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a sequence holds parts of a distribution, rather than a shape."""
    return any(isinstance(value, Tensor | Distribution | Transform) for value in values)
