r"""What a network predicts, as the error of its x̂_0.

A prediction of noise or of v errs by a multiple of what its x̂_0 errs by,

.. math::

    x_0 - \hat x_0 = \frac{\sigma}{\alpha}(\hat\varepsilon - \varepsilon)
                   = \frac{\sigma}{\alpha^2 + \sigma^2}(\hat v - v), \qquad
    v = \alpha\varepsilon - \sigma x_0

(Salimans & Ho 2022, "Progressive distillation"). The error is taken from what the network predicts:
x_t minus nearly all of itself, divided by a small α, would lose its digits at the noisy end, and
x_0 − x̂_0 from v and noise at the other.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.types.diffusion import Predicts


def error_of(
    predicts: Predicts,
    predicted: Float64[Tensor, "batch *event"],
    x: Float64[Tensor, "batch *event"],
    noise: Float64[Tensor, "batch *event"],
    alpha: Float64[Tensor, " batch"],
    sigma: Float64[Tensor, " batch"],
    clip: float | None = None,
) -> Float64[Tensor, "batch *event"]:
    """x_0 − x̂_0, in the units of the chain.

    Args:
        predicts: what the network gives.
        predicted: that it gave for x_t = α x_0 + σ ε.
        x: x_0.
        noise: ε.
        alpha: α of each.
        sigma: σ of each.
        clip: x̂_0 is clipped to [−clip, clip].

    Example:
        >>> import torch
        >>> one, half = torch.ones(1, 1).double(), torch.full((1,), 0.5).double()
        >>> error_of("noise", 3 * one, one, one, half, half)
        tensor([[2.]], dtype=torch.float64)
    """
    places = (...,) + (None,) * (x.dim() - 1)
    a, s = alpha[places], sigma[places]
    if predicts == "x":
        found = x - predicted
    elif predicts == "noise":
        found = (s / a) * (predicted - noise)
    else:
        found = s / (a.square() + s.square()) * (predicted - (a * noise - s * x))
    return found if clip is None else x - (x - found).clamp(-clip, clip)
