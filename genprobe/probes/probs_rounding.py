"""By how much the distortion may be off because the decoder's probabilities were rounded, in nats.

Near 1 float32 has steps of 6e-8, so a p that is nearly 1 says little about 1 − p, which is what a
value that the decoder did not expect costs. Logits, and p near 0, keep their digits.
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.calls import Calls
from genprobe.types import Likelihood


def probs_rounding(
    calls: Calls,
    likelihood: Likelihood | None,
    x: Tensor,
    z: Tensor,
    chosen: Int64[Tensor, " some"],
) -> Float64[Tensor, "1 some"] | None:
    """Half the change of log p(x|z) as every p takes one step of its dtype towards ½ (1, some).

    None where the decoder gives no ``probs``.

    Args:
        calls: of the decoder.
        likelihood: of the decoder's output; None without a decoder.
        x: the examples (batch, *event).
        z: draws (draw, batch, *latent).
        chosen: (some,) positions in the batch of the examples that are asked about.
    """
    if likelihood is None or not calls.decodes:
        return None
    if "probs" not in calls.decoder_outputs(z[0][chosen[:1]], chosen[:1]):
        return None
    outputs = calls.decoder_outputs(z[0][chosen], chosen)
    p, step = outputs["probs"].double(), torch.finfo(outputs["probs"].dtype).eps
    nearer = torch.where(p > 0.5, p - step / 2, p * (1 + step))
    here, there = (
        likelihood.distribution({**outputs, "probs": values}).log_prob(x[chosen])
        for values in (p, nearer)
    )
    found: Tensor = (there - here).double().abs() / 2
    return found[None]
