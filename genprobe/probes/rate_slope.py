"""dR/dε: how the rate of each example answers when its posterior is made wider, σ → e^ε σ.

Exact where the rate has a closed form; otherwise the pathwise derivative of log q(z|x) − log p(z)
at a few draws. With dD/dε it gives the operating slope (see ``genprobe.estimators.slope``).
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.probes.pathwise import DRAWS, derivative
from genprobe.types import Family, Params, Prior


def rate_slope(
    posterior: Family, prior: Prior, params: Params, chosen: Int64[Tensor, " some"]
) -> Float64[Tensor, "draw some"] | None:
    """dR/dε of some examples (draw, some), a single row if the rate is analytic.

    None where the family cannot be widened or its draws have no pathwise gradient.

    Args:
        posterior: family of q(z|x).
        prior: p(z).
        params: of q(z|x), each (batch, ...).
        chosen: (some,) positions in the batch of the examples that are asked about.
    """
    if posterior.widen is None:
        return None
    with torch.enable_grad():
        epsilon = torch.zeros(len(chosen), dtype=torch.float64, requires_grad=True)
        wide = posterior.widen({k: v[chosen].double() for k, v in params.items()}, epsilon)
        cost = prior.kl(posterior, wide)
        if cost is not None:
            return derivative(cost, epsilon)[None]
        q = posterior.distribution(wide)
        if not q.has_rsample:
            return None
        each = []
        for _ in range(DRAWS):
            z = q.rsample()
            each.append(derivative(q.log_prob(z) - prior.log_prob(z), epsilon))
    return torch.stack(each)
