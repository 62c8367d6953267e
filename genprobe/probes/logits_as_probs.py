"""What the distortion would lose if the decoder's logits were probabilities, in nats.

A decoder that ends in a sigmoid or a softmax and is declared as one of logits has its values
squeezed once more: every logit lies in [0, 1], and nothing fails. Then log p(x|z) is larger when
the values are read as the probabilities they are.
"""

from jaxtyping import Float64, Int64
from torch import Tensor
from torch.distributions import Distribution

from genprobe.encoding.calls import Calls
from genprobe.types import Likelihood


def logits_as_probs(
    calls: Calls,
    likelihood: Likelihood | None,
    x: Tensor,
    z: Tensor,
    log_px_z: Tensor | None,
    chosen: Int64[Tensor, " some"],
) -> Float64[Tensor, "1 some"] | None:
    """The gain in log p(x|z) where logits are read as probabilities, nats (1, some).

    None where there are no logits, they cannot be probabilities, or all are the same, as zeros are.
    The first examples mostly tell.

    Args:
        calls: of the decoder.
        likelihood: of the decoder's output; None without a decoder.
        x: the examples (batch, *event).
        z: draws (draw, batch, *latent).
        log_px_z: (draw, batch) log p(x|z), nats; None without a decoder.
        chosen: (some,) positions in the batch of the examples that are asked about.
    """
    if likelihood is None or likelihood.logits_of_probs is None or log_px_z is None:
        return None
    if read_as_probs(calls, likelihood, z[0], chosen[:2]) is None:
        return None
    read = read_as_probs(calls, likelihood, z[0], chosen)
    if read is None:
        return None
    found: Tensor = read.log_prob(x[chosen]).double() - log_px_z[0, chosen]
    return found[None]


def read_as_probs(
    calls: Calls, likelihood: Likelihood, z: Tensor, rows: Int64[Tensor, " some"]
) -> Distribution | None:
    """p(x|z) with the decoder's logits taken for probabilities; None where they cannot be.

    Args:
        calls: of the decoder.
        likelihood: of its output.
        z: (batch, *latent).
        rows: (some,) of these, which are decoded.
    """
    outputs = calls.decoder_outputs(z[rows], rows)
    if likelihood.logits_of_probs is None or "logits" not in outputs:
        return None
    low, high = outputs["logits"].aminmax()
    if low == high:
        return None
    logits = likelihood.logits_of_probs(outputs["logits"])
    return None if logits is None else likelihood.distribution({**outputs, "logits": logits})
