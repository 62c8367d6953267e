"""A round trip of prior samples: z ~ p(z), x ~ p(x|z), then log q(z|x) − log p(z).

Its mean is GILBO, a lower bound on the mutual information of the *generative* joint p(z) p(x|z)
(Alemi & Fischer 2018; Alemi et al. 2018, appendix C): how much of a code survives decoding. Of a
conditional model the context is an example's, and the bound is on I(X;Z|C) of p(z) p(x|z, c).
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

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


def in_batches(
    function: Callable[..., Params],
    rows: Tensor,
    context: Params,
    device: torch.device,
    batch_size: int,
) -> Params:
    """A model's function of many rows and their context, a batch at a time; results on the CPU.

    A parameter that is the same for all rows, such as a scale for every dimension, stays as it is.
    """
    batches = unlike(torch.split(rows, batch_size))
    starts = itertools.accumulate((len(b) for b in batches), initial=0)
    parts = [
        function(some.to(device), **rows_of(context, slice(start, start + len(some)), device))
        for some, start in zip(batches, starts, strict=False)
    ]
    found = {}
    for name, first in parts[0].items():
        each = [part[name].cpu() for part in parts]
        counts = first.dim() > 0 and all(
            len(v) == len(b) for v, b in zip(each, batches, strict=True)
        )
        found[name] = torch.cat(each) if counts else each[0]
    return found


def unlike(batches: Sequence[Tensor]) -> Sequence[Tensor]:
    """Batches of more than one length: then what has their length is seen to count their rows."""
    *before, last = batches
    if not before or len(last) != len(before[0]) or len(last) < 2:
        return batches
    return [*before, last[:-1], last[-1:]]
