"""dR/dε: how the rate of each example answers when its posterior is made wider, σ → e^ε σ.

Exact where the rate has a closed form; otherwise the pathwise derivative of log q(z|x) − log p(z)
at a few draws. With dD/dε it gives the operating slope (see ``genprobe.estimators.slope``).
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.probes.subset import DRAWS, at_least_one, derivative, spread_out, subset
from genprobe.types import Family, Params, Prior


def rate_slope(
    posterior: Family, prior: Prior, params: Params, index: Int64[Tensor, " batch"], n: int
) -> Float64[Tensor, "draw batch"] | None:
    """dR/dε of some examples, (1, batch) if the rate is analytic, NaN for the others.

    None where the family cannot be widened or its draws have no pathwise gradient.

    Args:
        posterior: family of q(z|x).
        prior: p(z).
        params: of q(z|x), each (batch, ...).
        index: (batch,) positions of the examples.
        n: number of examples in the data set.
    """
    rows = subset(index, n, posterior.event_shape(params).numel())
    if posterior.widen is None:
        return None
    asked = at_least_one(rows)
    with torch.enable_grad():
        epsilon = torch.zeros(len(asked), dtype=torch.float64, requires_grad=True)
        wide = posterior.widen({k: v[asked].double() for k, v in params.items()}, epsilon)
        cost = prior.kl(posterior, wide)
        if cost is not None:
            return spread_out(derivative(cost, epsilon)[None], rows, len(index))
        q = posterior.distribution(wide)
        if not q.has_rsample:
            return None
        each = []
        for _ in range(DRAWS):
            z = q.rsample()
            each.append(derivative(q.log_prob(z) - prior.log_prob(z), epsilon))
    return spread_out(torch.stack(each), rows, len(index))
