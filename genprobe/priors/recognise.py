"""Which registered prior a torch distribution is: then its tensors suffice to rebuild it."""

from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Distribution,
    Gamma,
    Independent,
    Laplace,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    Poisson,
)

from genprobe.priors.from_distribution import over_events
from genprobe.priors.from_module import prior_from_module
from genprobe.priors.full_precision import full_precision
from genprobe.types import NamedPrior, Prior

ENTRIES: dict[type[Distribution], tuple[str, tuple[str, ...]]] = {
    Normal: ("diagonal-normal", ("loc", "scale")),
    Laplace: ("laplace", ("loc", "scale")),
    Gamma: ("gamma", ("concentration", "rate")),
    Beta: ("beta", ("concentration1", "concentration0")),
    Poisson: ("poisson", ("rate",)),
    Bernoulli: ("bernoulli", ("logits",)),
    Categorical: ("categorical", ("logits",)),
}
"""Distributions of one entry of z: the registered prior of their products, and its tensors."""


def prior_of(distribution: Distribution) -> Prior | NamedPrior:
    """The registered prior that a distribution over one z is, or one that cannot be rebuilt.

    Args:
        distribution: of batch shape (), or of one that is a part of the event.
    """
    precise = full_precision(distribution)
    if precise is not None:
        found = recognise(over_events(precise))
        if found is not None:
            return found
    return prior_from_module(lambda: distribution, type(entries_of(distribution)).__name__)


def recognise(distribution: Distribution) -> NamedPrior | None:
    """The registered prior and its tensors; None for any other distribution."""
    entries = entries_of(distribution)
    if type(entries) in ENTRIES:
        name, keys = ENTRIES[type(entries)]
        return NamedPrior(name=name, params={k: getattr(entries, k) for k in keys})
    if type(distribution) is MultivariateNormal:
        return NamedPrior(name="full-normal", params=normal_tensors(distribution))
    if type(distribution) is MixtureSameFamily:
        return recognise_mixture(distribution)
    return None


def entries_of(distribution: Distribution) -> Distribution:
    """The distribution of the single entries of a product, or the distribution itself."""
    while type(distribution) is Independent:
        distribution = distribution.base_dist
    return distribution


def recognise_mixture(distribution: MixtureSameFamily) -> NamedPrior | None:
    """A mixture of normals as the registered one; None for any other."""
    components = distribution.component_distribution
    entries = entries_of(components)
    tensors: dict[str, Tensor]
    if type(entries) is Normal:
        tensors = {"loc": entries.loc, "scale": entries.scale}
    elif type(components) is MultivariateNormal:
        tensors = normal_tensors(components)
    else:
        return None
    probs = distribution.mixture_distribution.probs
    return NamedPrior(name="normal-mixture", params={"probs": probs, **tensors})


def normal_tensors(distribution: MultivariateNormal) -> dict[str, Tensor]:
    """Location and Cholesky factor of a normal with a full covariance."""
    return {"loc": distribution.loc, "scale_tril": distribution.scale_tril}
