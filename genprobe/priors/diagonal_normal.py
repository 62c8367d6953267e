"""A normal prior with learned location and scale, p(z) = Π_d N(z_d; loc_d, scale_d²)."""

from dataclasses import replace

from torch.distributions import Normal

from genprobe.priors.factorised import factorised
from genprobe.types import Codes, Params


def fit(codes: Codes, size: int, seed: int) -> Params:
    """Mean and scale of the aggregate posterior, dimension by dimension."""
    variance = codes.mean.var(0, correction=0) + codes.variance.mean(0)
    return {"loc": codes.mean.mean(0), "scale": variance.sqrt()}


diagonal_normal = replace(
    factorised("diagonal-normal", Normal, ("loc", "scale")), fit=fit, concurrent=True
)
build = diagonal_normal.build
