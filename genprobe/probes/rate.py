"""The rate of one example, KL(q(z|x_n) ‖ p(z)), in nats.

Exact where posterior and prior have a closed form; otherwise log q(z|x_n) − log p(z) at each draw,
whose mean over draws is unbiased.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.moments import factorises
from genprobe.distributions.latents import flat
from genprobe.priors.from_distribution import known_kl
from genprobe.types import Family, Params, Prior


def rate(
    posterior: Family, prior: Prior, params: Params, log_qz_x: Tensor, log_pz: Tensor
) -> Float64[Tensor, "draw batch"]:
    """KL(q(z|x)‖p(z)): (1, batch) if analytic, else one Monte Carlo value a draw.

    Args:
        posterior: family of q(z|x).
        prior: p(z).
        params: of q(z|x), each (batch, ...).
        log_qz_x: (draw, batch) log q(z|x), nats.
        log_pz: (draw, batch) log p(z), nats.
    """
    analytic = prior.kl(posterior, {k: v.double() for k, v in params.items()})
    return log_qz_x - log_pz if analytic is None else analytic[None]


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
