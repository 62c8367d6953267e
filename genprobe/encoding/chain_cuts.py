"""Where a chain of latents is cut to see which level holds what, and what the parts are called."""

CUTS = 12
"""At most so many places at which a chain is cut: each costs a walk."""
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
NOTHING = "nothing"
"""What is known where no level is."""


def cuts_of(levels: int) -> tuple[int, ...]:
    """How many levels are known at each cut, from none on, without the whole chain.

    Args:
        levels: of the chain.

    >>> cuts_of(2)
    (0, 1)
    >>> cuts_of(36)
    (0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33)
    """
    if levels <= CUTS:
        return tuple(range(levels))
    return tuple(round(i * levels / CUTS) for i in range(CUTS))


def level_name(level: int) -> str:
    """What a level is called, counted from 1.

    >>> level_name(12)
    'z₁₂'
    """
    return f"z{level}".translate(SUBSCRIPTS)


def known_levels(cut: int) -> str:
    """What is known where the first levels are.

    >>> known_levels(0), known_levels(1), known_levels(3)
    ('nothing', 'z₁', 'up to z₃')
    """
    if cut < 2:
        return level_name(1) if cut else NOTHING
    return f"up to {level_name(cut)}"
