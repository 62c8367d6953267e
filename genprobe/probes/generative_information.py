"""A round trip of prior samples: z ~ p(z), x ~ p(x|z), then log q(z|x) − log p(z).

Its mean is GILBO, a lower bound on the mutual information of the *generative* joint p(z) p(x|z)
(Alemi & Fischer 2018; Alemi et al. 2018, appendix C): how much of a code survives decoding. Of a
conditional model the context is an example's, and the bound is on I(X;Z|C) of p(z) p(x|z, c).
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.calls import Calls
from genprobe.probes.subset import at_least_one, spread_out, subset
from genprobe.types import Family, Params, Prior


def generative_information(
    calls: Calls,
    posterior: Family,
    prior: Prior,
    params: Params,
    index: Int64[Tensor, " batch"],
    n: int,
) -> Float64[Tensor, "draw batch"] | None:
    """Values of log q(z|x) − log p(z) of up to about 1024 prior samples (1, batch), else NaN.

    The samples stand in the places of examples; but for the context they have nothing to do with
    them. None without a decoder, or where the likelihood cannot be sampled.

    Args:
        calls: of encoder and decoder.
        posterior: family of q(z|x).
        prior: p(z).
        params: of q(z|x) of the examples, for the size of z.
        index: (batch,) positions of the examples.
        n: number of examples in the data set.
    """
    rows = subset(index, n, posterior.event_shape(params).numel())
    if not calls.decodes:
        return None
    asked = at_least_one(rows)
    z = prior.sample(len(asked)).to(calls.dtype)
    try:
        x = calls.decode(z, asked).sample()
    except NotImplementedError:
        return None
    again = calls.encode(x, asked)
    q = posterior.distribution({k: v.double() for k, v in again.items()})
    found = q.log_prob(z.double()) - prior.log_prob(z.double())
    return spread_out(found[None], rows, len(index))
