"""Points and weights that stand for the sum or the integral over all z of a support.

Small discrete supports are enumerated. Others are sampled from a wide density around some draws: a
multivariate Student-t in unconstrained coordinates, carried to the support by the bijection that
torch registers for it. So a mass comes with its Monte Carlo error.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import biject_to, constraints
from torch.distributions.constraints import Constraint

STATES = 200_000
"""The most states that are enumerated."""
POINTS = 40_000
RARE = 3
"""So many draws of what is rare may be there, or not, whatever the standard error says."""
FREEDOM = 5.0
"""Degrees of freedom of the wide density: heavier tails than those of usual posteriors."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """Points z_i and weights with Σ_i f(z_i) exp(log_weight_i) ≈ the sum or integral of f.

    Attributes:
        z: (points, *event), float64.
        log_weight: (points,), float64.
        exact: whether every state is a point, so that there is no Monte Carlo error.
    """

    z: Tensor
    log_weight: Tensor
    exact: bool


def measure_of(draws: Tensor, support: Constraint) -> Measure:
    """A measure over a support.

    Args:
        draws: (n, *event) of the density to be integrated, which say where its mass is.
        support: of that density.

    Raises:
        ValueError: if the support has too many states, or torch knows no bijection to it.
    """
    if not support.is_discrete:
        return covering(draws, support)
    single = support
    while isinstance(single, constraints.independent):
        single = single.base_constraint
    return grid(levels(single, draws), draws.shape[1:])


def levels(support: Constraint, draws: Tensor) -> Tensor:
    """Every value that one entry of z may take; of unbounded counts those that matter."""
    if support is constraints.boolean:
        return torch.arange(2)
    if support is constraints.one_hot:
        raise ValueError("one-hot z: override measure(), or give the family class indices as z")
    low, high = (getattr(support, f"{side}_bound", None) for side in ("lower", "upper"))
    if low is None:
        raise ValueError(f"the values of {support} are not known: override measure()")
    if high is None:
        high = 3 * draws.max().item() + 30
    return torch.arange(int(torch.as_tensor(low).min()), int(torch.as_tensor(high).max()) + 1)


def grid(values: Tensor, event_shape: torch.Size) -> Measure:
    """Every z whose entries take these values.

    Args:
        values: (v,) that an entry may take.
        event_shape: of one z.

    Raises:
        ValueError: if there are more than 200 000 of them.

    Example:
        >>> grid(torch.tensor([0.0, 1.0]), torch.Size([2])).z.tolist()
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    size = math.prod(event_shape)
    if len(values) ** size > STATES:
        raise ValueError(
            f"{len(values)} values in each of {size} entries are too many states to enumerate: "
            "give parameters of a smaller z, or override measure()"
        )
    entries = torch.meshgrid(*[values.double()] * size, indexing="ij")
    z = torch.stack([entry.flatten() for entry in entries], 1).reshape(-1, *event_shape)
    return Measure(z=z, log_weight=torch.zeros(len(z), dtype=torch.float64), exact=True)


def covering(draws: Tensor, support: Constraint, count: int = POINTS) -> Measure:
    """Points of a wide density around some draws, weighted by one over that density.

    Args:
        draws: (n, *event) that say where the mass is.
        support: continuous, with a bijection from unconstrained coordinates.
        count: number of points.

    Raises:
        ValueError: if torch knows no bijection to the support.

    Example:
        >>> from torch.distributions import constraints
        >>> line = constraints.independent(constraints.real, 1)
        >>> line = covering(torch.randn(1000, 1), line, count=64)
        >>> line.z.shape
        torch.Size([64, 1])
    """
    try:
        bijection = biject_to(support)
    except NotImplementedError as error:
        raise ValueError(f"torch has no bijection to {support}: override measure()") from error
    inside = bijection.inv(draws.double())
    u, log_density = student_t(inside.reshape(len(inside), -1), count)
    u = u.reshape(count, *inside.shape[1:])
    z = bijection(u)
    stretch = bijection.log_abs_det_jacobian(u, z).reshape(count, -1).sum(1)
    return Measure(z=z, log_weight=stretch - log_density - math.log(count), exact=False)


def student_t(draws: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Points (count, k) of a Student-t with the draws' mean and covariance, and its log density.

    Args:
        draws: (n, k).
        count: number of points.
    """
    k = draws.shape[1]
    middle = draws.mean(0)
    covariance = torch.cov(draws.T).reshape(k, k)
    factor = torch.linalg.cholesky(covariance + 1e-12 * covariance.diagonal().mean() * torch.eye(k))
    normal = torch.randn(count, k, dtype=torch.float64)
    chi = torch.distributions.Chi2(torch.tensor(FREEDOM).double()).sample((count, 1))
    white = normal * (FREEDOM / chi).sqrt()
    log_density = (
        math.lgamma((FREEDOM + k) / 2)
        - math.lgamma(FREEDOM / 2)
        - k / 2 * math.log(FREEDOM * math.pi)
        - factor.diagonal().log().sum()
        - (FREEDOM + k) / 2 * (white.square().sum(1) / FREEDOM).log1p()
    )
    return middle + white @ factor.T, log_density


def on_sphere(event_shape: torch.Size, count: int = POINTS) -> Measure:
    """Points spread evenly over the unit sphere of the flattened z, for densities on its surface.

    Args:
        event_shape: of one z, of k values; the area is 2π^(k/2) / Γ(k/2).
        count: number of points.

    Example:
        >>> circle = on_sphere(torch.Size([2]), count=100)
        >>> bool(torch.allclose(circle.z.norm(dim=1), torch.ones(1).double()))
        True
    """
    k = math.prod(event_shape)
    z = torch.nn.functional.normalize(torch.randn(count, k, dtype=torch.float64), dim=1)
    area = math.log(2) + k / 2 * math.log(math.pi) - math.lgamma(k / 2)
    weight = torch.full((count,), area - math.log(count), dtype=torch.float64)
    return Measure(z=z.reshape(count, *event_shape), log_weight=weight, exact=False)


def mass(measure: Measure, log_prob: Tensor) -> tuple[float, float]:
    """The sum or integral of a density and its standard error.

    Args:
        measure: of s points.
        log_prob: (s,) the log density at them.
    """
    terms = (log_prob.double() + measure.log_weight).exp()
    error = 0.0 if measure.exact else float(terms.std()) * math.sqrt(len(terms))
    return float(terms.sum()), error


def means(measure: Measure, log_prob: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Means (f,) of functions of z under a density known up to a constant, and standard errors.

    Args:
        measure: of s points.
        log_prob: (s,) the log density at them.
        values: (s, f) the functions at them.
    """
    share = (log_prob.double() + measure.log_weight).softmax(0)[:, None]
    mean = (share * values).sum(0)
    error = (share * (values - mean)).square().sum(0).sqrt()
    return mean, torch.zeros_like(error) if measure.exact else error


Density = Callable[[Tensor], Tensor]
"""From z (s, *event) to a log density (s,), nats."""


def require_unit_mass(measure: Measure, log_density: Density, whose: str) -> None:
    """Check that a density sums or integrates to one.

    Raises:
        AssertionError: saying to what it does, or that the error is too large to say.
    """
    total, error = mass(measure, log_density(measure.z))
    assert error < 0.03, (
        f"the mass of {whose} is {total:.4g} ± {error:.2g}, too rough to tell: give parameters of "
        "a smaller z, or override measure()"
    )
    assert abs(total - 1) <= 1e-5 + 5 * error, (
        f"{whose} has mass {total:.6g} ± {error:.2g}, not 1: its log is off by "
        f"{math.log(total) if total > 0 else -math.inf:.4g} nats"
    )


def require_drawn_from(draws: Tensor, measure: Measure, log_density: Density, whose: str) -> None:
    """Check that draws follow a density, which may be off by a constant.

    Compared are means of clipped values, of their products and of the log density itself.

    Args:
        draws: (n, *event).
        measure: over the density's support.
        log_density: of z (s, *event).
        whose: named in the message.

    Raises:
        AssertionError: naming the first mean that differs.
    """
    log_q, log_p = log_density(draws).double(), log_density(measure.z).double()
    flat, points = (z.double().reshape(len(z), -1) for z in (draws, measure.z))
    margin = torch.tensor([0.001, 0.999], dtype=torch.float64)
    low, high = torch.quantile(flat, margin, 0, interpolation="nearest")
    least = log_q.quantile(0.001)
    found = statistics(flat.clamp(low, high), log_q.clamp(min=least))
    points = statistics(points.clamp(low, high), log_p.clamp(min=least))
    truth, error = means(measure, log_p, points)
    spread, _ = means(measure, log_p, (points - truth).square())
    error = (error.square() + torch.maximum(found.var(0), spread) / len(found)).sqrt()
    rare = (points.amax(0) - points.amin(0)) * RARE / len(found)
    gap = (found.mean(0) - truth).abs()
    wrong = gap > 5 * error + rare + 1e-9 * (1 + truth.abs())
    if wrong.any():
        i = int(wrong.nonzero()[0])
        raise AssertionError(
            f"the draws of {whose} do not follow its density: "
            f"{statistic_names(flat.shape[1])[i]} is {found.mean(0)[i]:.4g} among them and "
            f"{truth[i]:.4g} by the density, ± {error[i]:.2g}"
        )


def statistics(flat: Tensor, log_prob: Tensor) -> Tensor:
    """What is averaged (n, f): every value, every product of two, the log density.

    Args:
        flat: (n, k).
        log_prob: (n,).
    """
    row, column = torch.tril_indices(flat.shape[1], flat.shape[1])
    return torch.cat([flat, flat[:, row] * flat[:, column], log_prob[:, None]], 1)


def statistic_names(k: int) -> list[str]:
    """The names of ``statistics``, in order."""
    row, column = torch.tril_indices(k, k).tolist()
    products = [f"the mean of z[{i}] z[{j}]" for i, j in zip(row, column, strict=True)]
    return [*(f"the mean of z[{i}]" for i in range(k)), *products, "the mean of the log density"]
