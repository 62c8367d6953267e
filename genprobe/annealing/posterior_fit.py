r"""q*: the best posterior of a family for each example, found by optimising its parameters.

The bound L[q] = E_q[log p(z) + β log p(x|z) − log q(z)] is maximised by Adam on unconstrained
parameters, in units of the start's own scale, with fresh noise at each step, falling steps and
averaged iterates: the same noise at every step would be overfitted (by about 60/K nats for K draws
of 50 values of z). The gradient leaves out the score of q, whose mean is 0, so that its noise
vanishes where q is the posterior (Roeder et al. 2017, "Sticking the landing"); symmetric families
are drawn with their mirror images.

L[q*] − L[q] is then measured with draws of its own: a difference of two lower bounds on the same
log p(x). Cremer et al. (2018), "Inference suboptimality in variational autoencoders".
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float64
from torch import Tensor
from torch.distributions import Distribution, Transform, transform_to

from genprobe.annealing.noise import drawn
from genprobe.annealing.space import space_of, suitable
from genprobe.annealing.target import Target
from genprobe.errors import UnavailableError
from genprobe.runtime.seeds import derived_seed
from genprobe.types import Family, Params

STEPS = 1200
"""After which q* is within a hundredth of a nat of the best one, from a bad start."""
DRAWS = 4
"""Of every example at every step; half of them mirror images where the family is symmetric."""
STAGE = 150
"""Steps before the units are taken again from what was reached."""
RATE = 0.3
"""First step of a stage, in units of the start's scale."""
LAST = 0.02
"""The last step of a stage as a share of the first."""
AVERAGED = (0.25, 0.75)
"""The share of a stage at its end whose iterates are averaged: of the first stage, which may still
be on its way, and of the others."""
CHOOSING = 64
"""Draws by which the start and what was reached are compared."""


def fit_posterior(
    target: Target,
    family: Family,
    params: Params,
    *,
    steps: int = STEPS,
    draws: int = DRAWS,
    seed: int,
) -> Params:
    """Parameters of the best posterior of the family for each example, never worse than the start.

    Whether they are worse is judged by draws of their own, so a later score is not biased by it.
    Few steps give what so many bring: the size of the steps falls over however many there are.

    Args:
        target: of M examples.
        family: of q(z|x).
        params: where to start, each (M, ...): those of the encoder, or of a guess.
        steps: of gradients in all; 0 gives the start.
        draws: of every example at every step.
        seed: of the noise.

    Returns:
        Parameters by name, each (M, ...), float64.

    Raises:
        UnavailableError: if the family cannot be optimised, with the reason.

    Example:
        The posterior of N(z, 1) under a standard normal prior at x = 1 is N(½, ½).

        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> target = Target(
        ...     log_px_z=lambda z, rows: (-(1 - z[:, 0]).square() / 2, 1 - z),
        ...     log_pz=lambda z: (-z[:, 0].square() / 2, -z),
        ... )
        >>> start = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> best = fit_posterior(target, diagonal_normal, start, seed=0)
        >>> round(best["loc"].item(), 2), round(best["scale"].item() ** 2, 2)
        (0.5, 0.5)
    """
    start = {name: values.detach().double() for name, values in params.items()}
    suitable(family, start)
    found: Params = start
    for stage, count in enumerate(stages(steps)):
        purpose = derived_seed(seed, "fit", stage)
        averaged = max(1, round(count * AVERAGED[stage > 0]))
        settings = {"steps": count, "averaged": averaged, "draws": draws, "seed": purpose}
        found = stage_of(target, family, found, **settings)
    if not steps:
        return found
    return better(target, family, start, found, derived_seed(seed, "choice"))


def stages(steps: int) -> list[int]:
    """Numbers of steps of the stages: at most two short ones, then the one that is averaged.

    >>> stages(1200), stages(100), stages(0)
    ([150, 150, 900], [100], [])
    """
    if not steps:
        return []
    before = min(2, max(0, steps // STAGE - 2))
    return [STAGE] * before + [steps - before * STAGE]


def stage_of(
    target: Target,
    family: Family,
    start: Params,
    *,
    steps: int,
    averaged: int,
    draws: int,
    seed: int,
) -> Params:
    """Parameters after some steps, averaged over the last of them."""
    raw = Raw(family, start)
    offsets = {k: torch.zeros_like(v, requires_grad=True) for k, v in raw.origin.items()}
    averages = {k: torch.zeros_like(v) for k, v in raw.origin.items()}
    adam = torch.optim.Adam(offsets.values(), lr=RATE, betas=(0.9, 0.99))
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = RATE * LAST ** (step / steps)
        loss = path_loss(target, family, raw.params(offsets), draws, derived_seed(seed, step))
        pulls = torch.autograd.grad(loss, list(offsets.values()), materialize_grads=True)
        for offset, pull in zip(offsets.values(), pulls, strict=True):
            offset.grad = pull.nan_to_num(0.0, 0.0, 0.0)
        adam.step()
        if step >= steps - averaged:
            for name, offset in offsets.items():
                averages[name] += offset.detach() / averaged
    return {name: values.detach() for name, values in raw.params(averages).items()}


class Raw:
    """Parameters as unconstrained numbers: an origin, and offsets in units of the scale there.

    Args:
        family: of q(z|x).
        params: the origin, each (M, ...), float64.
    """

    def __init__(self, family: Family, params: Params) -> None:
        self.transforms = {k: unconstrained(family, k) for k in params}
        self.origin = {k: self.transforms[k].inv(v) for k, v in params.items()}
        deviation = space_of(family, params).deviation
        self.units = {k: unit(k, v, deviation) for k, v in self.origin.items()}

    def params(self, offsets: Mapping[str, Tensor]) -> Params:
        """Parameters at these offsets from the origin."""
        return {
            k: self.transforms[k](v + self.units[k] * offsets[k]) for k, v in self.origin.items()
        }


def unconstrained(family: Family, name: str) -> Transform:
    """The transform from any numbers to what a parameter may be.

    Raises:
        UnavailableError: if torch knows none.
    """
    constraint = family.constraints[name]
    try:
        transform: Transform = transform_to(constraint)
    except NotImplementedError:
        raise UnavailableError(
            f"The best posterior is not known: {name} of the family {family.name} must be "
            f"{constraint}, to which torch has no transform."
        ) from None
    return transform


def unit(name: str, values: Tensor, deviation: Tensor) -> Tensor:
    """The unit in which a parameter is changed: the deviation of z where it is a place of z.

    Args:
        name: of the parameter.
        values: of it, unconstrained (M, ...).
        deviation: of q(z|x) (M, *u).
    """
    if name == "loc" and values.shape == deviation.shape:
        return deviation
    if name == "cov_factor":
        return deviation[..., None].expand_as(values)
    if name == "scale_tril":
        below = deviation[..., None].expand_as(values)
        return below.tril(-1) + torch.eye(values.shape[-1], dtype=values.dtype)
    return torch.ones_like(values)


def path_loss(target: Target, family: Family, params: Params, draws: int, seed: int) -> Tensor:
    """A number whose gradient is that of −Σ L[q], estimated along the paths of some draws."""
    q = family.distribution(params)
    if family.symmetric:
        z = drawn(q, math.ceil(draws / 2), seed)
        z = torch.cat([z, 2 * q.mean - z])
    else:
        z = drawn(q, draws, seed)
    fixed = z.detach()
    frozen = family.distribution({k: v.detach() for k, v in params.items()})
    values = target.at(fixed.flatten(0, 1), every_row(fixed))
    pull = values.gradient.view_as(z) - log_density_and_pull(frozen, fixed)[1]
    # Where the density is 0 there is no direction to go in.
    possible = values.log_density.isfinite().view(*z.shape[:2], *[1] * (z.dim() - 2))
    return -(torch.where(possible, pull, 0) * z).sum() / len(z)


def every_row(z: Tensor) -> Tensor:
    """Which of the M examples each of z (draw, M, *latent) is of, once the first axes are one."""
    return torch.arange(z.shape[1]).repeat(z.shape[0])


def log_density_and_pull(q: Distribution, z: Tensor) -> tuple[Tensor, Tensor]:
    """Values of log q (draw, M) at z (draw, M, *latent), and their gradients with respect to z."""
    place = z.detach().requires_grad_()
    with torch.enable_grad():
        values = q.log_prob(place)
        (pull,) = torch.autograd.grad(values.sum(), place, materialize_grads=True)
    return values.detach(), pull


def better(target: Target, family: Family, start: Params, found: Params, seed: int) -> Params:
    """Of each example whichever of two posteriors has the larger L, by draws that both share."""
    of_start, of_found = (
        score_posterior(target, family, params, draws=CHOOSING, seed=seed).mean(0)
        for params in (start, found)
    )
    gains = of_found > of_start
    return {
        k: torch.where(gains.reshape(-1, *[1] * (v.dim() - 1)), found[k], v)
        for k, v in start.items()
    }


@torch.no_grad()
def score_posterior(
    target: Target, family: Family, params: Params, *, draws: int, seed: int
) -> Float64[Tensor, "draw M"]:
    """Values of log p(z) + β log p(x|z) − log q(z|x) at fresh draws, whose mean is L[q], nats.

    The same seed gives the same noise, whatever the parameters: differences err less.

    Args:
        target: of M examples.
        family: of q(z|x).
        params: of it, each (M, ...).
        draws: of every example.
        seed: of the noise.

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> target = Target(
        ...     log_px_z=lambda z, rows: (torch.zeros(len(z)).double(), torch.zeros_like(z)),
        ...     log_pz=lambda z: (-z[:, 0].square() / 2, -z),
        ... )
        >>> params = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> score_posterior(target, diagonal_normal, params, draws=2, seed=0)
        tensor([[0.9189],
                [0.9189]], dtype=torch.float64)
    """
    q = family.distribution({k: v.double() for k, v in params.items()})
    z = drawn(q, draws, seed)
    log_density = target.at(z.flatten(0, 1), every_row(z)).log_density
    return log_density.view(z.shape[:2]) - q.log_prob(z)
