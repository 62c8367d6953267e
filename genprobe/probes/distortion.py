"""The distortion of one example, −log p(x_n|z) at each draw z ~ q(z|x_n), in nats.

A log-likelihood with every constant, summed over the dimensions of the example.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.types import Likelihood


def distortion(
    likelihood: Likelihood | None, log_px_z: Tensor | None
) -> Float64[Tensor, "draw batch"] | None:
    """−log p(x|z) (draw, batch), or None without a decoder or with a scale yet to be fitted.

    Args:
        likelihood: of the decoder's output.
        log_px_z: (draw, batch) log p(x|z), nats.
    """
    if likelihood is None or log_px_z is None or likelihood.fit_scale is not None:
        return None
    return -log_px_z
