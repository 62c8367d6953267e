"""dD/dε: how the distortion of each example answers when its posterior is made wider, σ → e^ε σ.

The pathwise gradient through the decoder, at a few draws with common noise. With dR/dε it gives the
operating slope (see ``genprobe.estimators.slope``).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.distributions.latents import flat
from genprobe.encoding.context import rows_of
from genprobe.probes.subset import DRAWS, derivative, spread_out, subset
from genprobe.types import Family, Likelihood, Model, Params


def distortion_slope(
    model: Model,
    posterior: Family,
    likelihood: Likelihood | None,
    x: Tensor,
    context: Params,
    params: Params,
    index: Int64[Tensor, " batch"],
    n: int,
    device: torch.device,
    batch_size: int,
) -> Float64[Tensor, "draw batch"] | None:
    """dD/dε of some examples at a few draws (draw, batch), NaN for the others.

    Where the posterior is symmetric a draw is averaged with its mirror image, which takes off
    everything odd in the noise.

    None where there is no decoder, or no pathwise gradient through it or the family.

    Args:
        model: whose decoder is asked.
        posterior: family of q(z|x).
        likelihood: of the decoder's output.
        x: the examples (batch, *event).
        context: what a conditional decoder is given besides z, each (batch, ...).
        params: of q(z|x), each (batch, ...).
        index: (batch,) positions of the examples.
        n: number of examples in the data set.
        device: of the model.
        batch_size: examples a call of the decoder.
    """
    rows = subset(index, n, posterior.event_shape(params).numel())
    decode = model.decode
    if decode is None or likelihood is None or posterior.widen is None:
        return None
    draws = DRAWS // 2 if posterior.symmetric else DRAWS
    given = rows_of(context, rows)
    found = torch.zeros(draws, len(rows), dtype=torch.float64)
    for draw in range(draws):
        with torch.enable_grad():
            epsilon = torch.zeros(len(rows), dtype=x.dtype, requires_grad=True)
            q = posterior.distribution(
                posterior.widen({k: v[rows] for k, v in params.items()}, epsilon)
            )
            if not q.has_rsample:
                return None
            z = q.rsample()
            images = [z, 2 * q.mean - z] if posterior.symmetric else [z]
            for image in images:
                pull = decoder_gradient(
                    decode, likelihood, image.detach(), x[rows], given, device, batch_size
                )
                if pull is None:
                    return None
                change = derivative(flat(image * pull, 1).sum(1), epsilon)
                found[draw] -= change / len(images)
    return spread_out(found, rows, len(index))


def decoder_gradient(
    decode: Callable[..., Params],
    likelihood: Likelihood,
    z: Tensor,
    x: Tensor,
    context: Params,
    device: torch.device,
    batch_size: int,
) -> Tensor | None:
    """Gradient of log p(x|z) with respect to z (some, *latent); None where there is none.

    The decoder's graph lives for one batch at a time.
    """
    found = []
    for low in range(0, len(z), batch_size):
        batch = slice(low, low + batch_size)
        part = z[batch].requires_grad_()
        outputs = decode(part.to(device), **rows_of(context, batch, device))
        log_px_z = likelihood.distribution(outputs).log_prob(x[batch].to(device))
        if not log_px_z.requires_grad:
            return None
        found.append(derivative(log_px_z, part))
    return torch.cat(found)
