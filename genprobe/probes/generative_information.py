"""A round trip of prior samples: z ~ p(z), x ~ p(x|z), then log q(z|x) − log p(z).

Its mean is GILBO, a lower bound on the mutual information of the *generative* joint p(z) p(x|z)
(Alemi & Fischer 2018; Alemi et al. 2018, appendix C): how much of a code survives decoding. Of a
conditional model the context is an example's, and the bound is on I(X;Z|C) of p(z) p(x|z, c).
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.calls import Calls
from genprobe.types import Family, Prior


def generative_information(
    calls: Calls,
    posterior: Family,
    prior: Prior,
    chosen: Int64[Tensor, " some"],
) -> Float64[Tensor, "1 some"] | None:
    """Values of log q(z|x) − log p(z) of prior samples (1, some).

    There are as many as examples are chosen; but for the context they have nothing to do with
    these. None without a decoder, or where the likelihood cannot be sampled.

    Args:
        calls: of encoder and decoder.
        posterior: family of q(z|x).
        prior: p(z).
        chosen: (some,) positions in the batch of the examples whose context the samples are given.
    """
    if not calls.decodes:
        return None
    z = prior.sample(len(chosen)).to(calls.dtype)
    try:
        x = calls.decode(z, chosen).sample()
    except NotImplementedError:
        return None
    again = calls.encode(x, chosen)
    q = posterior.distribution({k: v.double() for k, v in again.items()})
    found = q.log_prob(z.double()) - prior.log_prob(z.double())
    return found[None]
