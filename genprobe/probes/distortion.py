"""The distortion of one example, −log p(x_n|z) at each draw z ~ q(z|x_n), in nats.

A log-likelihood with every constant, summed over the dimensions of the example.
"""

from jaxtyping import Float64
from torch import Tensor


def distortion(log_px_z: Tensor | None) -> Float64[Tensor, "draw batch"] | None:
    """−log p(x|z) (draw, batch), or None without a decoder."""
    return None if log_px_z is None else -log_px_z
