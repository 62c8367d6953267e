"""The one place where a user's denoiser is called: the network of a diffusion model.

As with encoders and decoders (``calls``), it is lent copies, in batches of the run, and what comes
back is checked; whatever it raises is one line that names it.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.diffusion.sampled import Chain
from genprobe.encoding.batches import batches
from genprobe.encoding.calls import Calls
from genprobe.encoding.user_errors import TRAINED_SHAPE, user_errors
from genprobe.errors import ModelError, UnavailableError
from genprobe.types import Diffusion

LEARNED = "variance='learned' takes a pair: the prediction, and the log of the reverse variance."


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
    with user_errors(name, x.shape, TRAINED_SHAPE), torch.inference_mode():
        returned = chain.denoise(*lent)
    if chain.variance != "learned":
        return checked(name, "a prediction", returned, x, t), None
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise ModelError(f"{name} returns {what_is(returned)}.", LEARNED)
    prediction, log_variance = returned
    if isinstance(log_variance, Tensor):
        with user_errors(f"The log-variance of {name}", x.shape, LEARNED):
            log_variance = log_variance.to(lent[0].device).expand(x.shape)
    return (
        checked(name, "a prediction", prediction, x, t),
        checked(name, "a log-variance", log_variance, x, t),
    )


def checked(name: str, what: str, returned: object, x: Tensor, t: Tensor) -> Tensor:
    """Something that the network returned, if it is finite and of the shape of x.

    Raises:
        ModelError: naming the step of the first row at fault.
    """
    if not isinstance(returned, Tensor) or returned.shape != x.shape or returned.is_complex():
        raise ModelError(
            f"{name} returns {what} as {what_is(returned)} for x_t of shape {tuple(x.shape)}.",
            "Return one tensor of the shape of x_t: of a network with twice the channels the first "
            "half, or with variance='learned' both halves as a pair.",
        )
    found = returned.detach().to("cpu", copy=True).double()
    bad = ~found.isfinite().flatten(1).all(1)
    if bad.any():
        step = int(t[bad][0])
        raise ModelError(
            f"{name} returns {what} that is not finite, at step t = {step}.",
            "Look at what the network does at that step.",
        )
    return found


def what_is(returned: object) -> str:
    """What was returned, in words."""
    if isinstance(returned, Tensor):
        return f"a {str(returned.dtype).removeprefix('torch.')} of shape {tuple(returned.shape)}"
    return f"a {type(returned).__name__}"
