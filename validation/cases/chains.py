"""Chains of latents: a linear-Gaussian hierarchy of two levels, whose numbers are closed forms."""

from collections.abc import Iterator
from functools import partial

from genprobe.self_check.case import Case
from genprobe.self_check.two_levels import two_level_truths, two_levels
from validation.cases.pairs import pair

DRAWN = ("rate", "distortion", "elbo", "slope")
"""Of both levels together."""


def cases() -> Iterator[Case]:
    """Every case of a chain of latents."""
    for name, n, draws in (
        ("levels-200", 200, 2),
        ("levels-200-many", 200, 16),
        ("levels-2000", 2000, 4),
    ):
        make = partial(two_levels, n=n)
        yield from pair(
            name,
            f"two levels, draws = {draws}",
            n,
            make,
            DRAWN,
            fixed=partial(two_level_truths, make),
            population=partial(two_level_truths, None),
            draws=draws,
        )
