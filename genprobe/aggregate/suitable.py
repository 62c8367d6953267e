"""Which priors can be fitted to the codes of a store, so that R_m is a bound."""

from collections.abc import Mapping

import torch
from torch.distributions import Distribution, constraints

from genprobe.distributions.certain_codes import classes_of
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
    posterior = first_posterior(store, family)
    support, classes = support_of(posterior), classes_of(posterior)
    discrete = support is not None and support.is_discrete
    fitted = {k: c for k, c in fitted.items() if c.discrete == discrete}
    if support in SURFACES or (discrete and (classes is None or not fitted)):
        raise UnavailableError("No fitted marginal: the codes have no density over all of z.")
    return fitted


def first_posterior(store: Store, family: Family) -> Distribution:
    """The posterior of the first example, of batch shape (1,)."""
    _, params = next(iter(store.blocks(1)))
    return family.distribution({k: v.double() for k, v in params.items()})


def classes_of_store(store: Store, family: Family) -> int | None:
    """How many classes the codes of a store are indices of; None where they are none."""
    return classes_of(first_posterior(store, family))


def support_of(distribution: Distribution) -> constraints.Constraint | None:
    """Where one entry of z lies, or all of z where they are dependent; None if unknown."""
    support = distribution.support
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    return support
