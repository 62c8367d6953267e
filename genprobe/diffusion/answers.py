"""What a denoiser returned, checked: a prediction, and log-variances where it learns them."""

from jaxtyping import Int64
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.types import Diffusion

TAKES = (
    "It is given x_t (batch, *event) and t (batch,), whole numbers from 0 to T − 1, 0 the least "
    "noisy: what takes other times looks them up, denoise=lambda x, t: network(x, times[t])."
)
"""What to do where the network fails."""
LEARNED = "variance='learned' takes a pair: the prediction, and the log of the reverse variance."
HALF = (
    "Return one tensor of the shape of x_t: of a network with twice the channels the first half, "
    "or with variance='learned' both halves as a pair."
)
TENSOR = "Return one tensor of the shape of x_t: of a network of diffusers that is its .sample."


def answer_of(
    chain: Diffusion, name: str, returned: object, x: Tensor, t: Int64[Tensor, " batch"]
) -> tuple[Tensor, Tensor | None]:
    """The prediction and the log-variance (batch, *event) of what was returned, float64.

    Args:
        chain: of the user.
        name: of its denoiser, as messages have it.
        returned: for ``x`` and ``t``.
        x: x_t.
        t: the step of each.

    Raises:
        ModelError: if it is of another kind or shape, or not finite.
    """
    if chain.variance != "learned":
        return checked(name, "a prediction", returned, x, t), None
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise ModelError(f"{name} returns {what_is(returned)}.", LEARNED)
    prediction, log_variance = returned
    if isinstance(log_variance, Tensor):
        try:
            log_variance = log_variance.expand(x.shape)
        except RuntimeError as error:
            raise ModelError(
                f"{name} returns a log-variance as {what_is(log_variance)}.", LEARNED
            ) from error
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
            HALF if isinstance(returned, Tensor) else TENSOR,
        )
    found = returned.detach().to("cpu", copy=True).double()
    bad = ~found.isfinite().flatten(1).all(1)
    if bad.any():
        raise ModelError(
            f"{name} returns {what} that is not finite, at step t = {int(t[bad.to(t.device)][0])}.",
            "Look at what the network does at that step.",
        )
    return found


def what_is(returned: object) -> str:
    """What was returned, in words."""
    if isinstance(returned, Tensor):
        return f"a {str(returned.dtype).removeprefix('torch.')} of shape {tuple(returned.shape)}"
    return f"a {type(returned).__name__}"
