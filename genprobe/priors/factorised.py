"""A prior that is a product over the entries of z of one univariate torch distribution."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from genprobe.errors import ModelError
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.types import Params, Prior, PriorFactory


def factorised(name: str, of: type[Distribution], names: Sequence[str]) -> PriorFactory:
    """A registered prior Π_d p(z_d) whose tensors are each broadcast to the shape of z.

    Args:
        name: the registered name.
        of: the distribution of one entry; its constraints are those of the tensors.
        names: the parameters it takes.
    """

    def build(event_shape: torch.Size, params: Params) -> Prior:
        tensors = require_tensors(name, params, names)
        spread = {k: broadcast(name, k, v, event_shape) for k, v in tensors.items()}
        for k, values in spread.items():
            require_valid(name, k, values, of)
        entries = of(**spread, validate_args=False)  # type: ignore[arg-type]
        joint = Independent(entries, len(event_shape), validate_args=False)
        return prior_from_distribution(name, joint, spread)

    return PriorFactory(name=name, build=build)


def require_tensors(name: str, params: Params, names: Sequence[str]) -> dict[str, Tensor]:
    """The tensors of those names, in float64 and on the CPU.

    Raises:
        ModelError: if one is missing, or not finite.
    """
    missing = [k for k in names if k not in params]
    if missing:
        raise ModelError(
            f"The prior {name} needs {' and '.join(missing)}.",
            "Fit one: genprobe evaluate MODEL --write-prior F.npz, then --prior F.npz. Or give"
            f" its tensors: genprobe.NamedPrior(name={name!r}, params={{{names[0]!r}: …}}).",
        )
    found = {k: params[k].detach().cpu().double() for k in names}
    for k, values in found.items():
        if not values.isfinite().all():
            raise ModelError(f"The prior {name} has a {k} that is not finite.")
    return found


def broadcast(name: str, key: str, values: Tensor, shape: torch.Size) -> Tensor:
    """A tensor of a prior in the shape wanted; one over flattened z gets the shape of z.

    Raises:
        ModelError: naming both shapes, if it does not broadcast.
    """
    if values.shape == (shape.numel(),):
        return values.reshape(shape)
    try:
        return values.expand(shape)
    except RuntimeError as error:
        raise ModelError(
            f"The prior {name} has a {key} of shape {tuple(values.shape)}; it must broadcast to "
            f"{tuple(shape)}.",
            "The prior must be over one z of the model.",
        ) from error


def require_valid(name: str, key: str, values: Tensor, of: type[Distribution]) -> None:
    """Check a tensor against the distribution's own constraint.

    Raises:
        ModelError: naming the first value that does not meet it.
    """
    fine = of.arg_constraints[key].check(values)  # type: ignore[index]
    if not fine.all():
        raise ModelError(
            f"The prior {name} has a {key} that does not satisfy {of.arg_constraints[key]}: "  # type: ignore[index]
            f"{values[~fine].flatten()[0].item():g}."
        )
