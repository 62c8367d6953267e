"""The distortion of one example, −log p(x_n|z) at each draw z ~ q(z|x_n), in nats.

A log-likelihood with every constant, summed over the dimensions of the example. Where no decoder is
at hand but its distortion was recorded, that.
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.types import Likelihood, Model


def distortion(
    model: Model,
    likelihood: Likelihood | None,
    index: Int64[Tensor, " batch"],
    log_px_z: Tensor | None,
) -> Float64[Tensor, "draw batch"] | None:
    """−log p(x|z) (draw, batch); None without it, or with a scale yet to be fitted.

    Args:
        model: that may have a record.
        likelihood: of the decoder's output; None without a decoder.
        index: (batch,) positions of the examples, consecutive.
        log_px_z: (draw, batch) log p(x|z), nats; None without a decoder.
    """
    if likelihood is not None and log_px_z is not None:
        return -log_px_z if likelihood.fit_scale is None else None
    if model.recorded is None or model.recorded.distortion is None:
        return None
    return model.recorded.distortion(int(index[0]), int(index[-1]) + 1)
