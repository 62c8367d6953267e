"""How the values of one z lie in memory: in a row, also where z is a single number."""

from torch import Tensor


def flat(values: Tensor, axes: int) -> Tensor:
    """Values (…, *latent) as (…, k): the axes after the first so many become one.

    A latent of shape () becomes one of a single value.

    Args:
        values: at least so many axes.
        axes: how many axes come before those of z.
    """
    return values.flatten(axes) if values.dim() > axes else values.unsqueeze(axes)
