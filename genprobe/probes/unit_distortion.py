"""The distortion of one example at scale 1, for a likelihood whose scale is fitted to all the data.

The scale is known only once every example has been seen; estimators then turn these into D.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.types import Likelihood


def unit_distortion(
    likelihood: Likelihood | None, log_px_z: Tensor | None
) -> Float64[Tensor, "draw batch"] | None:
    """−log p(x|z) at scale 1 (draw, batch), or None where the scale is the decoder's.

    Args:
        likelihood: of the decoder's output.
        log_px_z: (draw, batch) log p(x|z) at scale 1, nats.
    """
    if likelihood is None or log_px_z is None or likelihood.fit_scale is None:
        return None
    return -log_px_z
