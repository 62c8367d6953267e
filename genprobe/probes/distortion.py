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
    """−log p(x|z) (draw, batch); None without a decoder or a record, or with a scale to be fitted.

    Args:
        model: that may have a record.
        likelihood: of the decoder's output.
        index: (batch,) positions of the examples, consecutive.
        log_px_z: (draw, batch) log p(x|z), nats; None without a decoder.
    """
    if log_px_z is not None:
        return None if likelihood is None or likelihood.fit_scale is not None else -log_px_z
    if model.recorded is None or model.recorded.distortion is None:
        return None
    return model.recorded.distortion(int(index[0]), int(index[-1]) + 1)
