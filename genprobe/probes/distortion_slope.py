"""dD/dε: how the distortion of each example answers when its posterior is made wider, σ → e^ε σ.

The pathwise gradient through the decoder, at a few draws with common noise. With dR/dε it gives the
operating slope (see ``genprobe.estimators.slope``).
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.distributions.latents import flat
from genprobe.encoding.calls import Calls
from genprobe.probes.pathwise import DRAWS, derivative
from genprobe.types import Family, Params


def distortion_slope(
    calls: Calls,
    posterior: Family,
    x: Tensor,
    params: Params,
    chosen: Int64[Tensor, " some"],
) -> Float64[Tensor, "draw some"] | None:
    """dD/dε of some examples at a few draws (draw, some).

    Where the posterior is symmetric a draw is averaged with its mirror image, which takes off
    everything odd in the noise.

    None where there is no decoder, or no pathwise gradient through it or the family.

    Args:
        calls: of the decoder.
        posterior: family of q(z|x).
        x: the examples (batch, *event).
        params: of q(z|x), each (batch, ...).
        chosen: (some,) positions in the batch of the examples that are asked about.
    """
    if not calls.decodes or posterior.widen is None:
        return None
    draws = DRAWS // 2 if posterior.symmetric else DRAWS
    found = torch.zeros(draws, len(chosen), dtype=torch.float64)
    for draw in range(draws):
        with torch.enable_grad():
            epsilon = torch.zeros(len(chosen), dtype=x.dtype, requires_grad=True)
            q = posterior.distribution(
                posterior.widen({k: v[chosen] for k, v in params.items()}, epsilon)
            )
            if not q.has_rsample:
                return None
            z = q.rsample()
            images = [z, 2 * q.mean - z] if posterior.symmetric else [z]
            for image in images:
                pull = calls.log_px_z_gradient(x[chosen], image, chosen)
                if pull is None:
                    return None
                change = derivative(flat(image * pull, 1).sum(1), epsilon)
                found[draw] -= change / len(images)
    return found
