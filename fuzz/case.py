"""A case: one damage to a file of one format, all of it decided by the case's name."""

from random import Random
from typing import NamedTuple


class Case(NamedTuple):
    """A case by name.

    Attributes:
        format: what is damaged, by its name in ``fuzz.formats``.
        kind: of the damage, by its name in ``fuzz.damage``.
        seed: which of its kind.
    """

    format: str
    kind: str
    seed: int

    @property
    def name(self) -> str:
        """``FORMAT:KIND:SEED``.

        >>> Case("store", "flip-bit", 7).name
        'store:flip-bit:7'
        """
        return f"{self.format}:{self.kind}:{self.seed}"

    def random(self) -> Random:
        """The source of all that is random in the case."""
        return Random(self.name)


def parse_case(name: str) -> Case:
    """The case of a name.

    Raises:
        ValueError: if it is not ``FORMAT:KIND:SEED``.

    >>> parse_case("store:flip-bit:7").seed
    7
    """
    format, kind, seed = name.split(":")
    return Case(format, kind, int(seed))
