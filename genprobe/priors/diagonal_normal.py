"""A normal prior with learned location and scale, p(z) = Π_d N(z_d; loc_d, scale_d²)."""

import torch
from torch.distributions import Independent, Normal

from genprobe.errors import ModelError
from genprobe.priors.from_distribution import from_distribution
from genprobe.types import Codes, Params, Prior, PriorFactory


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The prior with ``loc`` and ``scale``, each broadcastable to the event shape.

    Raises:
        ModelError: if either is missing, not finite, or a scale is not positive.
    """
    missing = {"loc", "scale"} - params.keys()
    if missing:
        raise ModelError(
            f"The prior diagonal-normal needs {' and '.join(sorted(missing))}.",
            "Give both tensors, or use the prior standard-normal, which has none.",
        )
    loc, scale = (params[k].detach().cpu().double().expand(event_shape) for k in ("loc", "scale"))
    if not (loc.isfinite().all() and scale.isfinite().all() and (scale > 0).all()):
        raise ModelError(
            "The prior diagonal-normal has a loc or scale that is not finite, or a scale ≤ 0."
        )
    normal = Normal(loc, scale, validate_args=False)
    return from_distribution(
        "diagonal-normal",
        Independent(normal, len(event_shape), validate_args=False),
        {"loc": loc, "scale": scale},
    )


def fit(codes: Codes, size: int, seed: int) -> Params:
    """Mean and scale of the aggregate posterior, dimension by dimension."""
    variance = codes.mean.var(0, correction=0) + codes.variance.mean(0)
    return {"loc": codes.mean.mean(0), "scale": variance.sqrt()}


diagonal_normal = PriorFactory(name="diagonal-normal", build=build, fit=fit)
