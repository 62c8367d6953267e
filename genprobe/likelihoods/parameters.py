"""What a decoder gives: checked, and in float64.

In float32 a log Γ at counts of 10⁵ is off by a tenth of a nat, and a sum over the values of an
example by a thousandth. The decoder itself stays in its own dtype, and gradients flow through.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.distributions.constraints import Constraint

from genprobe.distributions.parameter_names import width_remedy
from genprobe.errors import ModelError
from genprobe.types import Params

ONE = torch.Size()
"""The shape of a single sample."""
SURE = 1e-6
"""What a probability that may have been rounded to 0 or 1 is taken to be off it."""
SUM_ROUNDING = 1e-2
"""By which the probabilities of classes may miss 1: half precision does by a few thousandths."""

ALLOWED: dict[Constraint, str] = {
    constraints.positive: "> 0",
    constraints.nonnegative: "≥ 0",
    constraints.unit_interval: "in [0, 1]",
    constraints.nonnegative_integer: "a non-negative integer",
}

MADE_FROM_RAW: dict[Constraint, str] = {
    constraints.positive: "Pass raw outputs through softplus or exp.",
    constraints.nonnegative: "Pass raw outputs through softplus or exp.",
    constraints.unit_interval: "Are they logits? Give raw outputs as logits, or pass "
    "them through a sigmoid.",
}
"""How a decoder keeps to a constraint, as what it gives wrongly is most often a raw output."""


def precise(values: Tensor) -> Tensor:
    """The same values in float64, or on a device without it as they are."""
    return values if values.device.type == "mps" else values.double()


def parameter(
    likelihood: str, params: Params, name: str, constraint: Constraint = constraints.real
) -> Tensor:
    """The decoder's parameter of that name, in float64.

    Args:
        likelihood: registered name of the likelihood that needs it.
        params: what the decoder gives.
        name: of the parameter.
        constraint: what every value must satisfy.

    Raises:
        ModelError: if the decoder does not give it, or gives a value that is not allowed.
    """
    return precise(checked(likelihood, params, name, constraint))


def checked(
    likelihood: str, params: Params, name: str, constraint: Constraint = constraints.real
) -> Tensor:
    """The decoder's parameter of that name, in the decoder's own dtype; as ``parameter`` else.

    Raises:
        ModelError: if the decoder does not give it, or gives a value that is not allowed.
    """
    values = given(likelihood, params, name)
    fine = constraint.check(values)  # type: ignore[no-untyped-call]
    if not fine.all():
        remedy = MADE_FROM_RAW.get(constraint, "Look at the layer that makes this parameter.")
        raise ModelError(
            f"The decoder gives a {name} of {values[~fine].flatten()[0].item():g}; under the "
            f"likelihood {likelihood} it must be {allowed(constraint)}.",
            width_remedy(likelihood) if name == "scale" else remedy,
        )
    return values


def given(likelihood: str, params: Params, name: str) -> Tensor:
    """The decoder's parameter of that name, as it is.

    Raises:
        ModelError: if the decoder does not give it.
    """
    if name not in params:
        raise ModelError(
            f"The decoder gives {', '.join(params) or 'nothing'}; the likelihood {likelihood} "
            f"needs {name}.",
            WITHOUT.get((likelihood, name), width_remedy(likelihood) if name == "scale" else ""),
        )
    return params[name]


WITHOUT = {
    ("normal", "scale"): "Give the standard deviation that it was trained with as scale, or take "
    "the likelihood normal-optimal-sigma, which fits one.",
    ("bernoulli", "probs"): 'Return {"logits": …}, or {"probs": …} of a decoder that ends in a '
    "sigmoid.",
}
"""What to do without a parameter, by likelihood and name."""


def allowed(constraint: Constraint) -> str:
    """What a constraint allows, in words."""
    return ALLOWED.get(constraint, "a number")


def one_example(base: Distribution) -> "Independent[Distribution]":
    """A distribution of single values, batch shape (batch, *event), as one of whole examples."""
    return Independent(base, len(base.batch_shape) - 1, validate_args=False)


def whole_example(each: Constraint, axes: int) -> Constraint:
    """What every value satisfies, as what an example with so many axes does."""
    found: Constraint = constraints.independent(each, axes)  # type: ignore[no-untyped-call]
    return found


def sum_last(values: Tensor, axes: int) -> Tensor:
    """The sum over the last so many axes, perhaps none."""
    return values.sum(tuple(range(-axes, 0))) if axes else values


def times_log(count: Tensor, p: Tensor) -> Tensor:
    """Values of count · log p, 0 where the count is 0, with a gradient there even at p = 0."""
    return count * torch.where(count == 0, 1.0, p).log()


def times_log1m(count: Tensor, p: Tensor) -> Tensor:
    """Values of count · log(1 − p), 0 where the count is 0, with a gradient there even at p = 1."""
    return count * torch.log1p(-torch.where(count == 0, 0.0, p))


def class_logits(likelihood: str, params: Params) -> Tensor:
    """``logits`` of classes (batch, ..., K) as they are, or the logarithms of their ``probs``.

    Raises:
        ModelError: if the decoder gives neither, or probs that do not sum to 1.
    """
    if "probs" not in params or "logits" in params:
        return checked(likelihood, params, "logits")
    probs = checked(likelihood, params, "probs", constraints.unit_interval)
    sums = probs.sum(-1)
    off = (sums - 1).abs() > SUM_ROUNDING
    if off.any():
        raise ModelError(
            f"The decoder gives probs of {probs.shape[-1]} classes that sum to "
            f"{sums[off].flatten()[0].item():g}, not to 1.",
            "Give raw outputs as logits, or pass them through a softmax over their last axis.",
        )
    return probs.log()


def logits_of_probs(values: Tensor) -> Tensor | None:
    """The logits of independent probabilities (batch, ...); None if one is outside [0, 1].

    >>> logits_of_probs(torch.tensor([0.5, 1.5])) is None
    True
    """
    low, high = values.aminmax()
    return torch.logit(values, eps=SURE) if low >= 0 and high <= 1 else None


def logits_of_classes(values: Tensor) -> Tensor | None:
    """The logits of the probabilities of classes (batch, ..., K); None if they do not sum to 1.

    >>> logits_of_classes(torch.tensor([0.5, 0.5])).exp()
    tensor([0.5000, 0.5000])
    """
    sums = values.sum(-1)
    if values.min() < 0 or ((sums - 1).abs() > SUM_ROUNDING).any():
        return None
    return values.clamp_min(SURE).log()
