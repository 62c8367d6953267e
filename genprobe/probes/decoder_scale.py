"""Smallest and largest scale that the decoder gives: whether a likelihood's scale is one constant.

Where it is, the distortion is judged at that scale (see ``genprobe.analysis.fixed_scale``).
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.calls import Calls

FEW = 8
"""Examples that are decoded: a scale that is learned by value or example varies among them."""


def decoder_scale(
    calls: Calls, z: Tensor, chosen: Int64[Tensor, " some"]
) -> Float64[Tensor, "2 some"] | None:
    """The smallest and the largest scale of the first few examples, the same for all (2, some).

    None where the likelihood has no distortion at a scale that is given, or the decoder none.

    Args:
        calls: of the decoder.
        z: (draw, batch, *latent) draws.
        chosen: (some,) positions in the batch of the examples that are asked about.
    """
    if not calls.decodes or calls.likelihood is None or calls.likelihood.blind_at is None:
        return None
    few = chosen[:FEW]
    scale = calls.decoder_outputs(z[0][few], few).get("scale")
    if scale is None:
        return None
    return torch.stack(scale.double().aminmax())[:, None].repeat(1, len(chosen))
