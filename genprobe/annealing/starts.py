"""Where chains start, and at which temperatures they stop on the way to the target."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from genprobe.annealing.noise import drawn
from genprobe.annealing.posterior_fit import log_density_and_pull
from genprobe.annealing.sampler import Path
from genprobe.annealing.space import Space, space_of, suitable
from genprobe.annealing.target import Target, Values
from genprobe.errors import UnavailableError
from genprobe.runtime.seeds import derived_seed, seeded
from genprobe.types import Family, Params


def linear(temperatures: int) -> Tensor:
    """Values b_0 = 0 … b_T = 1 at equal distances.

    >>> linear(2).tolist()
    [0.0, 0.5, 1.0]
    """
    return torch.linspace(0, 1, temperatures + 1, dtype=torch.float64)


def sigmoid(temperatures: int) -> Tensor:
    """Values b_0 = 0 … b_T = 1 close to each other near both ends, as from a prior.

    >>> sigmoid(2)[1].item()
    0.5
    """
    values = torch.linspace(-4, 4, temperatures + 1, dtype=torch.float64).sigmoid()
    return (values - values[0]) / (values[-1] - values[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Chains before their first move.

    Attributes:
        path: that they will take.
        u: coordinates (chain, M, *u), draws of the start.
        schedule: a number T of temperatures to b_0 … b_T.
    """

    path: Path
    u: Tensor
    schedule: Callable[[int], Tensor] = linear


def from_posterior(
    target: Target,
    family: Family,
    params: Params,
    chains: int,
    seed: int,
    prior_share: float = 0.0,
) -> Start:
    """Chains that start at draws of q, and a share of them at draws of the prior.

    The density of such a start is the mixture of both in just these shares.

    Raises:
        UnavailableError: if the family cannot be annealed from, or the prior cannot be drawn from.
    """
    params = {name: values.detach().double() for name, values in params.items()}
    q, space = suitable(family, params), space_of(family, params)
    others = round(prior_share * chains)
    share = torch.tensor(others / chains, dtype=torch.float64)

    def log_start(z: Tensor, values: Values) -> tuple[Tensor, Tensor]:
        log_q, pull = log_density_and_pull(q, z)
        if not others:
            return log_q, pull
        log_pz = values.log_pz.view(z.shape[:2]) + share.log()
        log_q = log_q + torch.log1p(-share)
        both = torch.logaddexp(log_q, log_pz)
        of_prior = (log_pz - both).exp().reshape(*both.shape, *[1] * (z.dim() - 2))
        return both, pull + of_prior * (values.prior_pull.view_as(z) - pull)

    z = drawn(q, chains - others, derived_seed(seed, "start")).detach()
    if others:
        z = torch.cat([prior_draws(target, others, z, seed), z])
    return Start(path=Path(log_start=log_start, target=target, space=space), u=space.u_of(z))


def prior_draws(target: Target, chains: int, like: Tensor, seed: int) -> Tensor:
    """Draws of the prior (chain, M, *latent) for the examples of others (chain, M, *latent).

    Raises:
        UnavailableError: if it cannot be drawn from.
    """
    if target.sample is None:
        raise UnavailableError("No chains start at the prior: it cannot be drawn from.")
    with seeded(derived_seed(seed, "prior")):
        z = target.sample(chains * like.shape[1]).cpu().double()
    return z.reshape(chains, *like.shape[1:])


def from_prior(target: Target, family: Family, params: Params, chains: int, seed: int) -> Start:
    """Chains that start at draws of the prior.

    Raises:
        UnavailableError: if it cannot be drawn from, or the family has no coordinates.
    """
    params = {name: values.detach().double() for name, values in params.items()}
    space, like = space_of(family, params), drawn(family.distribution(params), 1, seed)
    u = space.u_of(prior_draws(target, chains, like, seed))
    spread = u.flatten(0, 1).std(0).expand(u.shape[1:])

    def log_start(z: Tensor, values: Values) -> tuple[Tensor, Tensor]:
        return values.log_pz.view(z.shape[:2]), values.prior_pull.view_as(z)

    wide = Space(transform=space.transform, deviation=spread)
    path = Path(log_start=log_start, target=target, space=wide)
    return Start(path=path, u=u, schedule=sigmoid)
