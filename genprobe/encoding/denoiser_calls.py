"""The one place where a user's denoiser is called: the network of a diffusion model.

As with encoders and decoders (``calls``), it is lent copies, in batches of the run, and what comes
back is checked; whatever it raises is one line that names it.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.diffusion.answers import TAKES, answer_of
from genprobe.diffusion.sampled import Chain
from genprobe.encoding.batches import batches
from genprobe.encoding.calls import Calls
from genprobe.encoding.user_errors import user_errors
from genprobe.errors import UnavailableError
from genprobe.types import Diffusion


def diffusion_of(calls: Calls) -> Diffusion:
    """The diffusion of a model.

    Raises:
        UnavailableError: if the model has none.
    """
    if calls.model.diffusion is None:
        raise UnavailableError("The model is no diffusion model.")
    return calls.model.diffusion


def chain_of(calls: Calls) -> Chain:
    """A diffusion model, ready to be asked.

    Args:
        calls: of the model; its modules are in place.
    """
    return Chain(diffusion=diffusion_of(calls), predict=predict_of(calls))


def predict_of(calls: Calls) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]]:
    """x_t (row, *event) and t (row,) to what the network says, on the CPU, in float64.

    Args:
        calls: of the model.
    """

    def predict(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor | None]:
        each = [denoised(calls, x[part], t[part]) for part in batches(len(x), calls.batch_size)]
        found = torch.cat([prediction for prediction, _ in each])
        variances = [values for _, values in each if values is not None]
        return found, torch.cat(variances) if variances else None

    return predict


def denoised(
    calls: Calls, x: Float64[Tensor, "batch *event"], t: Int64[Tensor, " batch"]
) -> tuple[Tensor, Tensor | None]:
    """What the network says of one batch: its prediction, and log-variances where it learns them.

    Args:
        calls: of the model.
        x: x_t.
        t: the step of each.

    Raises:
        ModelError: if it fails, or returns another shape or numbers that are not finite.
    """
    chain, name = diffusion_of(calls), f"denoise of {calls.model.name}"
    lent = x.to(calls.device, calls.dtype, copy=True), t.to(calls.device, copy=True)
    with user_errors(name, x.shape, TAKES), torch.inference_mode():
        returned = chain.denoise(*lent)
    return answer_of(chain, name, returned, x, t)
