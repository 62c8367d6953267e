"""A categorical prior over a grid of class indices, p(z) = Π_t π_t[z_t].

The logits are shared by all positions or learned for each. With a one-hot posterior the rate of a
position is −log π_t of its code.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent

from genprobe.errors import ModelError
from genprobe.priors.factorised import broadcast, require_tensors
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.types import Params, Prior, PriorFactory


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The prior with ``logits`` (classes,), or (*grid, classes) for each position its own.

    Raises:
        ModelError: if they are missing, not finite, or of another grid.
    """
    logits = require_tensors("categorical", params, ("logits",))["logits"]
    if not logits.dim():
        raise ModelError("The prior categorical has a single logit.", "Give one a class.")
    return over_classes("categorical", event_shape, logits, {"logits": logits})


def over_classes(name: str, event_shape: torch.Size, logits: Tensor, params: Params) -> Prior:
    """The prior of independent categoricals, of z that are class indices in a floating dtype.

    Args:
        name: of the prior.
        event_shape: the grid.
        logits: (classes,) or (*grid, classes).
        params: the tensors it was built from.
    """
    classes = logits.shape[-1]
    spread = broadcast(name, "logits", logits, torch.Size([*event_shape, classes]))
    positions = Categorical(logits=spread, validate_args=False)
    joint = Independent(positions, len(event_shape), validate_args=False)
    prior = prior_from_distribution(name, joint, params)

    def log_prob(z: Tensor) -> Tensor:
        found: Tensor = joint.log_prob(class_indices(name, z, classes))  # type: ignore[no-untyped-call]
        return found

    return replace(prior, log_prob=log_prob)


def class_indices(name: str, z: Tensor, classes: int) -> Tensor:
    """Class indices as whole numbers, from z in a floating dtype.

    Raises:
        ModelError: naming the first value that is no class.
    """
    fine = (z == z.round()) & (z >= 0) & (z < classes)
    if not fine.all():
        raise ModelError(
            f"The prior {name} is over class indices from 0 to {classes - 1}; z has the value "
            f"{z[~fine].flatten()[0].item():g}.",
            "Give a prior of the posterior's own kind, and with as many classes.",
        )
    return z.long()


categorical = PriorFactory(name="categorical", build=build)
