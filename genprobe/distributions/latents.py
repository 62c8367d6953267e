"""How the values of one z lie in memory: in a row, also where z is a single number."""

from collections.abc import Sequence

from torch import Tensor


def flat(values: Tensor, axes: int) -> Tensor:
    """Values (…, *latent) as (…, k): the axes after the first so many become one.

    A latent of shape () becomes one of a single value.

    Args:
        values: at least so many axes.
        axes: how many axes come before those of z.
    """
    return values.flatten(axes) if values.dim() > axes else values.unsqueeze(axes)


def is_grid(event_shape: Sequence[int]) -> bool:
    """Whether z has channels and places: (C, H, W) or (C, T), none of them empty.

    Args:
        event_shape: of one z.

    Example:
        >>> is_grid((4, 32, 32)), is_grid((64,))
        (True, False)
    """
    return len(event_shape) in (2, 3) and min(event_shape) > 0
