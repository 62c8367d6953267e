"""The parts of a session: what each tries, on what, and how its cases are run."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz import damaged, faults, kills
from fuzz.case import parse_case
from fuzz.formats import FORMATS

Run = Callable[[str], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a session.

    Attributes:
        name: of its file of results.
        owns: whether a case of a name is one of its own.
        plan: from how many are wanted to the names of its cases.
        usual: how many are run where nobody says.
        open: from a folder to what runs a case.
    """

    name: str
    owns: Callable[[str], bool]
    plan: Callable[[int], Sequence[str]]
    usual: int
    open: Callable[[Path], Run]


def open_damaged(folder: Path) -> Run:
    """What runs a case of damage."""
    bench = damaged.Bench(folder)
    return lambda name: bench.run(parse_case(name))


def open_kills(folder: Path) -> Run:
    """What runs a kill."""
    return kills.Kills(folder, damaged.Bench(folder).base).run


def open_faults(folder: Path) -> Run:
    """What runs a fault."""
    return faults.Faults(folder, damaged.Bench(folder).base).run


def first(name: str) -> str:
    """The first part of a case's name."""
    return name.partition(":")[0]


PARTS = (
    Part(
        name="damaged",
        owns=lambda name: first(name) in FORMATS,
        plan=lambda count: [case.name for case in damaged.plan(count)],
        usual=10_000,
        open=open_damaged,
    ),
    Part(
        name="kills",
        owns=lambda name: first(name) in kills.SCENARIOS,
        plan=kills.plan,
        usual=100,
        open=open_kills,
    ),
    Part(
        name="faults",
        owns=lambda name: first(name) in faults.FAULTS,
        plan=faults.plan,
        usual=1000,
        open=open_faults,
    ),
)


def part_of(name: str) -> Part:
    """The part that a case is of.

    Raises:
        ValueError: if it is of none.

    >>> part_of("store:flip-bit:0").name
    'damaged'
    """
    for part in PARTS:
        if part.owns(name):
            return part
    raise ValueError(f"There is no case {name}.")


@contextlib.contextmanager
def opened(part: Part) -> Iterator[Run]:
    """What runs the cases of a part, in a folder that goes afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        yield part.open(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
