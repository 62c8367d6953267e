"""What is found of the levels of a chain of latents: those that carry nothing."""

from collections.abc import Sequence

from genprobe.analysis.advice import Advice, Facts
from genprobe.errors import Notice
from genprobe.report.levels import DEAD_NATS, Level

DEAD = "dead-levels"
NAMED = 4
"""Levels that a message names."""


def dead(levels: Sequence[Level]) -> Notice | None:
    """Some levels cost nothing, and so say nothing.

    Args:
        levels: of a chain.

    Example:
        >>> from genprobe.report import Estimate
        >>> known = {"se": 0.0, "se_data": 0.001, "kind": "estimate", "n": 900}
        >>> rates = [Estimate(name="rate", value=value, **known) for value in (3.0, 0.002)]
        >>> both = [Level(name=f"z{i}", estimates={"rate": r}) for i, r in enumerate(rates, 1)]
        >>> dead(both).message
        '1 of 2 levels carries nothing: z2 has a rate below 0.01 nat.'
    """
    found = [level for level in levels if level.dead]
    if not found:
        return None
    one = len(found) == 1
    return Notice(
        code=DEAD,
        message=f"{len(found)} of {len(levels)} levels {'carries' if one else 'carry'} nothing: "
        f"{named(found)} {'has' if one else 'have'} a rate below {DEAD_NATS} nat.",
        remedy="The posterior there is the prior: the decoder gets noise. Leave it out, or keep it "
        "alive in training: free bits, a warm-up of β, skip connections.",
    )


def named(levels: Sequence[Level]) -> str:
    """The names of levels, the first few of them."""
    names = [level.name for level in levels[:NAMED]]
    return ", ".join(names) + (", …" if len(levels) > NAMED else "")


def drop_or_revive(facts: Facts) -> Advice | None:
    """Some levels carry nothing."""
    found = [level for level in facts.report.levels if level.dead]
    if not found:
        return None
    return Advice(
        sentence=f"Leave out or revive the levels that carry nothing: {named(found)}, "
        f"{len(found)} of {len(facts.report.levels)}."
    )
