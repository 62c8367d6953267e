"""Coordinates u of z in which a family's support has no edge, and the scale of q(z|x) there.

Chains move in u: over all of R^k, with steps in units of q's own scale. The density of u is that of
z times |det dz/du|. What has no such coordinates is refused with the reason.
"""

import contextlib
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import (
    ComposeTransform,
    Distribution,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Transform,
    TransformedDistribution,
    biject_to,
)
from torch.distributions.constraints import Constraint

from genprobe.annealing.noise import drawn
from genprobe.errors import ModelError, UnavailableError
from genprobe.types import Family, Params

DRAWS = 256
"""From which a scale is estimated that torch does not know."""
WIDEST = 512
"""The most values of z for which a full matrix of scales an example is used."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """Coordinates u (chain, example, *u) of z, and the scale of each example's q(z|x) there.

    Attributes:
        transform: from u to z.
        deviation: standard deviations of u (example, *u).
        factor: lower triangular factors of the covariance of u (example, k, k); None where the
            deviations say all that is used.

    Example:
        >>> from genprobe.families.gamma import gamma
        >>> params = {name: torch.ones(1, 1).double() for name in gamma.constraints}
        >>> z, log_volume = space_of(gamma, params).z_of(torch.zeros(1, 1, 1).double())
        >>> z.item(), log_volume.item()
        (1.0, 0.0)
    """

    transform: Transform
    deviation: Tensor
    factor: Tensor | None = None

    @property
    def straight(self) -> bool:
        """Whether u is z itself."""
        return isinstance(self.transform, ComposeTransform) and not self.transform.parts

    def z_of(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """The z of u, and log |det dz/du| (chain, example)."""
        z = self.transform(u)
        volume = self.transform.log_abs_det_jacobian(u, z)  # type: ignore[no-untyped-call]
        return z, volume.flatten(2).sum(2) if volume.dim() > 2 else volume

    def u_of(self, z: Tensor) -> Tensor:
        """The u of z (…, example, *latent)."""
        u: Tensor = self.transform.inv(z)
        return u

    def stretched(self, v: Tensor) -> Tensor:
        """Steps v (chain, example, *u) in units of the scale, as steps of u."""
        if self.factor is None:
            return v * self.deviation
        return torch.einsum("mij,cmj->cmi", self.factor, v)

    def pulled(self, gradient: Tensor) -> Tensor:
        """A gradient with respect to u, as one with respect to u in units of the scale."""
        if self.factor is None:
            return gradient * self.deviation
        return torch.einsum("mij,cmi->cmj", self.factor, gradient)


def space_of(family: Family, params: Params, seed: int = 0) -> Space:
    """Coordinates for the posteriors of some examples, with the scales of these.

    Args:
        family: of q(z|x).
        params: of it, each (example, ...), float64.
        seed: of draws from which a scale is estimated that has no formula.

    Raises:
        UnavailableError: if the family has no such coordinates, with the reason.
    """
    q = suitable(family, params)
    transform = coordinates(q)
    if isinstance(q, MultivariateNormal | LowRankMultivariateNormal):
        few = q.event_shape[0] <= WIDEST
        return Space(transform=transform, deviation=q.stddev, factor=q.scale_tril if few else None)
    if straight(q):
        return Space(transform=transform, deviation=q.stddev)
    return Space(
        transform=transform, deviation=transform.inv(drawn(q, DRAWS, seed).detach()).std(0)
    )


def suitable(family: Family, params: Params) -> Distribution:
    """The posteriors, if they can be annealed from and optimised.

    Raises:
        UnavailableError: if not, with the reason.
    """
    if family.point:
        raise UnavailableError(refusal(family, "is a point, which no chain can start from"))
    try:
        q = family.distribution(params)
    except ModelError as error:
        why = f"has no density to start from: {error.what}"
        raise UnavailableError(refusal(family, why)) from error
    support = support_of(q)
    if support.is_discrete:
        raise UnavailableError(
            refusal(family, "is of discrete codes: chains and optimisation need gradients in z")
        )
    if not q.has_rsample:
        raise UnavailableError(
            refusal(family, f"lies on {support}: there is no pathwise gradient to optimise it by")
        )
    if any(isinstance(edge, Tensor) and edge.numel() > 1 for edge in edges(support)):
        raise UnavailableError(
            refusal(family, "ends at edges that differ by example, short of where the prior goes")
        )
    return q


def support_of(q: Distribution) -> Constraint:
    """Where posteriors lie.

    Raises:
        UnavailableError: if torch does not say.
    """
    with contextlib.suppress(NotImplementedError):
        if q.support is not None:
            return q.support
    raise UnavailableError(
        f"The inference gap is not known: {type(q).__name__} does not say where z can lie."
    )


def refusal(family: Family, why: str) -> str:
    """One sentence that says why the family has no inference gap."""
    return f"The inference gap is not known: the posterior {family.name} {why}."


def edges(support: Constraint) -> list[object]:
    """Bounds of an interval, single or of every value."""
    each = getattr(support, "base_constraint", support)
    return [getattr(each, name, None) for name in ("lower_bound", "upper_bound")]


def coordinates(q: Distribution) -> Transform:
    """The transform from R^k to the support of posteriors.

    Raises:
        UnavailableError: if there is none.
    """
    if isinstance(q, TransformedDistribution) and not straight(q) and straight(q.base_dist):
        return ComposeTransform(q.transforms)
    if straight(q):
        return ComposeTransform([])
    try:
        transform: Transform = biject_to(support_of(q))
    except NotImplementedError:
        raise UnavailableError(
            f"The inference gap is not known: a posterior on {q.support} has no coordinates "
            "without an edge."
        ) from None
    return transform


def straight(q: Distribution) -> bool:
    """Whether z is any point of R^k."""
    support = support_of(q)
    each = getattr(support, "base_constraint", support)
    return str(each) == "Real()"
