"""A round trip of prior samples: z ~ p(z), x ~ p(x|z), then log q(z|x) − log p(z).

Its mean is GILBO, a lower bound on the mutual information of the *generative* joint p(z) p(x|z)
(Alemi & Fischer 2018; Alemi et al. 2018, appendix C): how much of a code survives decoding. Of a
conditional model the context is an example's, and the bound is on I(X;Z|C) of p(z) p(x|z, c).
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.calls import in_batches
from genprobe.encoding.context import rows_of
from genprobe.probes.subset import spread_out, subset
from genprobe.types import Family, Likelihood, Model, Params, Prior


def generative_information(
    model: Model,
    posterior: Family,
    prior: Prior,
    likelihood: Likelihood | None,
    x: Tensor,
    params: Params,
    context: Params,
    index: Int64[Tensor, " batch"],
    n: int,
    device: torch.device,
    batch_size: int,
) -> Float64[Tensor, "draw batch"] | None:
    """Values of log q(z|x) − log p(z) of up to about 1024 prior samples (1, batch), else NaN.

    The samples stand in the places of examples; but for the context they have nothing to do with
    them. None without a decoder, or where the likelihood cannot be sampled.

    Args:
        model: encoder and decoder.
        posterior: family of q(z|x).
        prior: p(z).
        likelihood: of the decoder's output.
        x: examples, for their dtype.
        params: of q(z|x) of the examples, for the size of z.
        context: what a conditional model is given besides x and z, each (batch, ...).
        index: (batch,) positions of the examples.
        n: number of examples in the data set.
        device: of the model.
        batch_size: samples a call of the model.
    """
    rows = subset(index, n, posterior.event_shape(params).numel())
    if model.decode is None or likelihood is None:
        return None
    z = prior.sample(len(rows)).to(x.dtype)
    given = rows_of(context, rows)
    with torch.inference_mode():
        outputs = in_batches(model.decode, z, given, device, batch_size)
        try:
            samples = likelihood.distribution(outputs).sample().to(x.dtype)
        except NotImplementedError:
            return None
        again = in_batches(model.encode, samples, given, device, batch_size)
    q = posterior.distribution({k: v.double() for k, v in again.items()})
    found = q.log_prob(z.double()) - prior.log_prob(z.double())
    return spread_out(found[None], rows, len(index))
