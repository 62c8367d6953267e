"""Checks of what a user's encoder, decoder and prior returned."""

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor
from torch.distributions import Distribution, Independent

from genprobe.distributions.parameter_names import NORMAL, width_remedy
from genprobe.errors import ModelError
from genprobe.types import Family, Params

NAMES = (
    "scale is the standard deviation; mean or mu, and std, var or logvar are understood too. "
    "Return these alone."
)


def require_real(source: str, params: Params) -> None:
    """Check that parameters are real numbers, which any dtype of these can be cast to.

    Args:
        source: what they come from, as a message begins.
        params: by name.

    Raises:
        ModelError: naming a parameter of complex numbers.
    """
    for key, values in params.items():
        if values.is_complex():
            raise ModelError(
                f"{source} returns {key} of {str(values.dtype).removeprefix('torch.')}.",
                "Return real numbers: the real part, or the real and imaginary parts as values.",
            )


def require_shapes(source: str, posterior: Family, params: Params, count: int) -> None:
    """Check the names and lengths of posterior parameters.

    Args:
        source: what they come from, as a message begins.
        posterior: their family.
        params: each (count, ...).
        count: number of examples.

    Raises:
        ModelError: listing the names, or naming the parameter of another length.
    """
    constraints = posterior.constraints
    if params.keys() != constraints.keys():
        raise ModelError(
            f"{source} returns {', '.join(params) or 'nothing'}; the family "
            f"{posterior.name} needs {', '.join(constraints)}.",
            NAMES if posterior.name in NORMAL else "",
        )
    for key, values in params.items():
        if values.shape[:1] != (count,):
            raise ModelError(
                f"{source} returns {key} of shape {tuple(values.shape)} for {count} "
                "examples; its first axis must count them."
            )


def require_params(source: str, posterior: Family, params: Params, count: int, start: int) -> None:
    """Check names, lengths, finiteness and constraints of posterior parameters.

    Args:
        source: what they come from, as a message begins.
        posterior: their family.
        params: each (count, ...).
        count: number of examples.
        start: position of the first in the data set.

    Raises:
        ModelError: naming the parameter and, where one is at fault, the first such example.
    """
    require_shapes(source, posterior, params, count)
    for key, values in params.items():
        constraint = posterior.constraints[key]
        for fault, fine in (
            ("is not finite", values.isfinite()),
            (f"must be {describe(constraint)} and is not", constraint.check(values)),  # type: ignore[no-untyped-call]
        ):
            bad = ~whole_rows(fine)
            if bad.any():
                i = int(bad.nonzero()[0])
                raise ModelError(
                    f"{source} gives a value of {key} that {fault}, at example {start + i}: "
                    f"{worst(values[i], fine[i])}.",
                    width_remedy(posterior.name)
                    if key == "scale" and "must" in fault
                    else "Look at that example, or at the layer that makes this parameter.",
                )


def valid_rows(posterior: Family, params: Params) -> Bool[Tensor, " n"]:
    """Which rows of posterior parameters are finite and meet the family's constraints.

    Args:
        posterior: their family.
        params: each (n, ...).

    >>> from genprobe.families.diagonal_normal import diagonal_normal
    >>> params = {"loc": torch.zeros(3, 1), "scale": torch.tensor([[1.0], [0.0], [torch.nan]])}
    >>> valid_rows(diagonal_normal, params)
    tensor([ True, False, False])
    """
    found = torch.ones(len(next(iter(params.values()))), dtype=torch.bool)
    for key, values in params.items():
        meets = posterior.constraints[key].check(values)  # type: ignore[no-untyped-call]
        found &= whole_rows(values.isfinite()) & whole_rows(meets)
    return found


def whole_rows(fine: Bool[Tensor, " n *rest"]) -> Bool[Tensor, " n"]:
    """Which rows are True throughout."""
    return fine.flatten(1).all(1) if fine.dim() > 1 else fine


def describe(constraint: torch.distributions.constraints.Constraint) -> str:
    """``GreaterThan(lower_bound=0.0)`` as ``> 0``, other constraints as torch names them."""
    lower = getattr(constraint, "lower_bound", None)
    if lower is not None and constraint.is_discrete:
        return f"a whole number from {lower:g} on"
    return f"> {lower:g}" if lower is not None else str(constraint)


def worst(values: Tensor, fine: Tensor) -> str:
    """Where in one example's parameter the first fault is."""
    flat, ok = values.flatten(), fine.expand_as(values).flatten()
    position = int((~ok).nonzero()[0])
    return f"value {flat[position].item():g} in dimension {position}"


def require_event(source: str, event_shape: torch.Size, wanted: torch.Size) -> None:
    """Check that a decoder returns examples of the shape of the data.

    Args:
        source: the decoder, as a message begins.
        event_shape: of p(x|z).
        wanted: shape of one example of the data.

    Raises:
        ModelError: if the shapes differ, even if one could be broadcast to the other.
    """
    if event_shape != wanted:
        raise ModelError(
            f"{source} returns examples of shape {tuple(event_shape)}; the data's are "
            f"{tuple(wanted)}.",
            "Reshape one of them: broadcasting would give a wrong distortion.",
        )


def first_not_finite(values: Tensor) -> int | None:
    """The first example with a log density that is not finite at some draw; None if there is none.

    Args:
        values: (draw, batch), nats.

    >>> first_not_finite(torch.tensor([[0.0, 1.0], [2.0, -torch.inf]]))
    1
    """
    bad = ~values.isfinite().all(0)
    return int(bad.nonzero()[0]) if bad.any() else None


def impossible_value(p: Distribution, x: Tensor, outputs: Params) -> str:
    """The first value of an example whose own log p(x|z) is not finite, in words; empty if unknown.

    Args:
        p: p(x|z) of batch shape (1,).
        x: (1, *event) the example.
        outputs: the decoder's, which p was made from.

    >>> from genprobe.likelihoods.bernoulli import bernoulli
    >>> outputs = {"probs": torch.tensor([[0.5, 0.0]])}
    >>> impossible_value(bernoulli.distribution(outputs), torch.ones(1, 2), outputs)
    'its value [1] is 1, where the decoder gives probs 0'
    """
    each = p.base_dist.log_prob(x) if isinstance(p, Independent) else torch.zeros(())
    if each.shape != x.shape or each.isfinite().all():
        return ""
    place = np.unravel_index(int((~each.isfinite()).flatten().nonzero()[0]), each.shape)
    given = {name: v.expand(x.shape)[place] for name, v in outputs.items() if fits(v, x)}
    said = " and ".join(f"{name} {value.item():.9g}" for name, value in given.items())
    index = f" [{', '.join(map(str, place[1:]))}]" if len(place) > 1 else ""
    where = f", where the decoder gives {said}" if said else ""
    return f"its value{index} is {x[place].item():.9g}{where}"


def fits(values: Tensor, x: Tensor) -> bool:
    """Whether a decoder's output is one number a value of x, or can be broadcast to that."""
    try:
        values.expand(x.shape)
    except RuntimeError:
        return False
    return True
