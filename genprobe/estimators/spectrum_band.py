"""The middle of the band of a spectrum, to which the line of its slope is fitted; without torch."""

from genprobe.errors import UnavailableError

FEWEST = 3
"""Rings that a line is fitted to."""
LOW, HIGH = 8, 2
"""Of the highest frequency: the band is between this part of it and that."""


def band(count: int) -> slice:
    """The rings in the middle of the band, of so many.

    Raises:
        UnavailableError: if there are too few.

    Example:
        >>> band(31), band(3)
        (slice(2, 15, None), slice(0, 3, None))
    """
    if count < FEWEST:
        raise UnavailableError("No spectrum slope: the latent has too few positions, or too many.")
    low = max(0, count // LOW - 1)
    return slice(low, max(low + FEWEST, count // HIGH))
