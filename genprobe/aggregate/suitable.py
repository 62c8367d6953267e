"""Which priors can be fitted to the codes of a store, so that R_m is a bound."""

from collections.abc import Mapping

import torch
from torch.distributions import Distribution, constraints

from genprobe.distributions.uniform_sphere import unit_vector
from genprobe.errors import UnavailableError
from genprobe.store.read import Store
from genprobe.types import Family, PriorFactory

SURFACES = (constraints.simplex, unit_vector)
"""Supports of no volume in the space of z."""


def suitable(
    store: Store, family: Family, candidates: Mapping[str, PriorFactory]
) -> dict[str, PriorFactory]:
    """The candidates that may be fitted to the codes of a store.

    Those of discrete codes are probabilities; a density beside them would bound nothing.

    Raises:
        UnavailableError: if the codes have no density over all of z, and no probabilities that a
            candidate is for.
    """
    shape = torch.Size(store.header.latent_shape)
    fitted = {k: c for k, c in candidates.items() if c.fit is not None and c.suits(family, shape)}
    _, params = next(iter(store.blocks(1)))
    support = support_of(family.distribution({k: v.double() for k, v in params.items()}))
    discrete = support is not None and support.is_discrete
    fitted = {k: c for k, c in fitted.items() if c.discrete == discrete}
    if support in SURFACES or (discrete and not fitted):
        raise UnavailableError("No fitted marginal: the codes have no density over all of z.")
    return fitted


def support_of(distribution: Distribution) -> constraints.Constraint | None:
    """Where one entry of z lies, or all of z where they are dependent; None if unknown."""
    support = distribution.support
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    return support
