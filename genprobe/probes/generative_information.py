"""A round trip of prior samples: z ~ p(z), x ~ p(x|z), then log q(z|x) − log p(z).

Its mean is GILBO, a lower bound on the mutual information of the *generative* joint p(z) p(x|z)
(Alemi & Fischer 2018; Alemi et al. 2018, appendix C): how much of a code survives decoding. Of a
conditional model the context is an example's, and the bound is on I(X;Z|C) of p(z) p(x|z, c).
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.calls import Calls
from genprobe.encoding.checks import valid_rows
from genprobe.errors import ModelError
from genprobe.runtime.memory import out_of_memory
from genprobe.types import Family, Prior

WHOLE_RANGE = (
    "Let the encoder take whatever the likelihood can yield, for instance values below 0, clamped "
    "before a logarithm; or give the likelihood that the data are of."
)
"""What to do where the encoder fails on samples."""


def generative_information(
    calls: Calls,
    posterior: Family,
    prior: Prior,
    chosen: Int64[Tensor, " some"],
) -> Float64[Tensor, "1 some"] | None:
    """Values of log q(z|x) − log p(z) of prior samples (1, some).

    There are as many as examples are chosen; but for the context they have nothing to do with
    these. None without an encoder or a decoder, of posteriors that are points, of a teacher-forced
    decoder, whose samples take ancestral decoding, or where the likelihood cannot be sampled. NaN
    where the encoder gives no valid parameters for what was decoded.

    Args:
        calls: of encoder and decoder.
        posterior: family of q(z|x).
        prior: p(z).
        chosen: (some,) positions in the batch of the examples whose context the samples are given.

    Raises:
        ModelError: if the encoder or the decoder fails.
    """
    if not calls.model.encodes or not calls.decodes or posterior.point:
        return None
    if calls.model.teacher_forced:
        return None
    z = prior.sample(len(chosen)).to(calls.dtype)
    try:
        x = calls.decode(z, chosen).sample()
    except NotImplementedError:
        return None
    try:
        again = calls.encode(x, chosen)
    except ModelError as error:
        if out_of_memory(error.__cause__ or error):
            raise
        raise ModelError(error.what, WHOLE_RANGE) from error
    fine = valid_rows(posterior, again)
    found = torch.full((len(z),), torch.nan, dtype=torch.float64)
    if fine.any():
        q = posterior.distribution({k: v[fine].double() for k, v in again.items()})
        code = z[fine].double()
        found[fine] = q.log_prob(code) - prior.log_prob(code)
    return found[None]
