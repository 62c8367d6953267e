"""The rate of one example, KL(q(z|x_n) ‖ p(z)), in nats.

Exact where posterior and prior have a closed form; otherwise log q(z|x_n) − log p(z) at some draws,
whose mean is unbiased. Of few examples they are drawn for this alone, more than the decoder is
asked about, unless the prior is a network: they cost no call of the model, and one wide posterior
may decide both the mean and its error, of which two draws of it would say nothing.
"""

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.moments import factorises
from genprobe.distributions.latents import flat
from genprobe.errors import ModelError
from genprobe.priors.from_distribution import known_kl
from genprobe.types import Family, Params, Prior

DRAWS = 32
"""With two draws of each of 200 Laplace codes of scales exp(N(0, 1)) the intervals held 83 %."""
EVALUATIONS = 1 << 16
"""At most so many densities of the prior, over all examples."""


def rate(
    posterior: Family, prior: Prior, params: Params, log_qz_x: Tensor, log_pz: Tensor, n: int
) -> Float64[Tensor, "draw batch"] | None:
    """KL(q(z|x)‖p(z)): (1, batch) if analytic, else a Monte Carlo value for each of some draws.

    None of a point, whose rate is infinite.

    Args:
        posterior: family of q(z|x).
        prior: p(z).
        params: of q(z|x), each (batch, ...).
        log_qz_x: (draw, batch) log q(z|x), nats.
        log_pz: (draw, batch) log p(z), nats.
        n: number of examples in the data set.
    """
    if posterior.point:
        return None
    found = rate_by_itself(posterior, prior, params, len(log_qz_x), n)
    return log_qz_x - log_pz if found is None else found


def rate_by_itself(
    posterior: Family, prior: Prior, params: Params, least: int, n: int
) -> Float64[Tensor, "draw batch"] | None:
    """The rate in closed form or from draws of its own; None where it takes those of the codes.

    Args:
        posterior: family of q(z|x).
        prior: p(z).
        params: of q(z|x), each (batch, ...).
        least: draws of the codes that there are anyway.
        n: number of examples in the data set.

    Raises:
        ModelError: if a draw lies outside the prior's support.
    """
    analytic = prior.kl(posterior, {k: v.double() for k, v in params.items()})
    if analytic is not None:
        return analytic[None]
    draws = min(DRAWS, EVALUATIONS // n)
    network = prior.distribution is None and not prior.params
    if network or draws <= least:
        return None
    found = torch.stack([one_draw(posterior, prior, params) for _ in range(draws)])
    if not found.isfinite().all():
        raise ModelError(
            f"The prior {prior.name} gives a log p(z) that is not finite, at a draw of a "
            "posterior.",
            "The rate is infinite unless the posteriors lie within the prior's support.",
        )
    return found


def one_draw(posterior: Family, prior: Prior, params: Params) -> Float64[Tensor, " batch"]:
    """Values of log q(z|x) − log p(z) at one draw of each posterior, nats."""
    z = posterior.sample(params, 1)[0].double()
    q = posterior.distribution({k: v.double() for k, v in params.items()})
    found: Tensor = q.log_prob(z) - prior.log_prob(z)
    return found.double()


def rate_per_dimension(
    posterior: Family, prior: Prior, params: Params
) -> Float64[Tensor, "batch dimension"] | None:
    """KL_d of every latent dimension, or None where posterior or prior does not factorise.

    Args:
        posterior: family of q(z|x).
        prior: p(z).
        params: of q(z|x), each (batch, ...).
    """
    q = posterior.distribution({k: v.double() for k, v in params.items()})
    p = prior.distribution
    if not (factorises(q) and factorises(p)):
        return None
    found = known_kl(q.base_dist, p.base_dist)
    return None if found is None else flat(found, 1)
