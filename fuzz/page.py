"""The page docs/reliability.md: what is promised, how it is tested, what came out."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fuzz import faults, kills
from fuzz.formats import FORMATS
from fuzz.outcome import FAULTS, GOOD
from validation.results import Row, read_rows

PROMISES = """# Reliability

What genprobe promises of files and faults, and how each promise is tested. The counts are of
`nox -s fuzz`, which writes this page; nothing in it is typed by hand.

## What is promised

- **Nothing in a file runs.** Without `--trust` no code that a file holds or names is run, whatever
  the file says of itself.
- **Nothing but what was named is read or written.** No link, no external storage and no path in a
  file is followed to a place outside of what was named.
- **Damage is found, not shown as a number.** A store, its shards, the segments of an unfinished
  one, the report that is kept beside it, and the members of a zip archive are checked before they
  are used.
- **What cannot be used is refused** in one or two lines that say what is wrong, where, and what to
  do, with exit status 1, or 2 where the command line itself is at fault: no traceback, no crash, no
  hang.
- **A kill at any instant loses nothing.** The same command goes on to the numbers of an unbroken
  run.
- **A full disk, a lock or a missing permission loses nothing.** What was there before stays until
  what replaces it is whole.

What has no checksum cannot be checked, and a changed number in it is a number: {unchecked}.
Checksums tell of damage, not of intent: who can write a file can write another one that is whole.
"""
METHOD = """Each file is of a format that genprobe reads or writes, and is changed in one way, which
the name of the case decides: bits flipped, stretches overwritten, cut short or extended, blocks and
files exchanged; JSON values of other types, nested 100,000 deep, huge, with control characters or
code in them; HDF5 links renamed, arrays reshaped, made external or virtual to lead outside; zip
members renamed, or flipped with and without a right checksum; pickles whose opcodes would run code
or say other sizes; named pipes, devices, folders and links in the place of the file. Then a command
or a call of a user runs in a child process with four GiB of memory and ten seconds, beside files
that it must neither read nor change, and a canary that planted code would make. Its numbers are
compared with those of the undamaged files, digit for digit. `python -m fuzz --only
FORMAT:KIND:SEED` runs one case.
"""
KILLS = """SIGKILL, SIGTERM and SIGINT at random instants of each stage. Afterwards the same command
must give the report and, array for array, the store of an unbroken run, and leave its files and no
process. Until then what was there before must read.
"""
SURROUNDINGS = """Disks with {free} KiB free, and other faults. A command must end as it does
without the fault, or in one or two lines and exit status 1. Each file that was there must be as it
was, or whole and new; and without the fault the same command must then work.
"""


def write_page(out: Path, results: Path) -> None:
    """Write the page from all results that there are."""
    unchecked = "; ".join(
        f.label for f in FORMATS.values() if not f.checked and "set right" not in f.label
    )
    sections = [
        PROMISES.format(unchecked=unchecked),
        *damaged_section(read_rows(results, "damaged", "case")),
        *kills_section(read_rows(results, "kills", "case")),
        *faults_section(read_rows(results, "faults", "case")),
        *operations_section(results / "operations.json"),
    ]
    (out / "reliability.md").write_text("\n".join(sections), encoding="utf-8")


def table(head: Sequence[object], lines: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, its first column text."""
    rows = ["| " + " | ".join(map(str, line)) + " |" for line in lines]
    columns = "|:--|" + "--:|" * (len(head) - 1)
    return "\n".join(["| " + " | ".join(map(str, head)) + " |", columns, *rows, ""])


def damaged_section(rows: list[Row]) -> Iterator[str]:
    """Damaged files: counts by outcome, and by format."""
    yield f"## {len(rows):,} damaged files\n"
    yield METHOD
    if not rows:
        yield "Not run yet.\n"
        return
    total = Counter(row["outcome"] for row in rows)
    yield table(
        ["outcome", "files"],
        [(words, total[name]) for name, words in {**GOOD, **FAULTS}.items()],
    )
    shown = [*GOOD, *(name for name in FAULTS if total[name])]
    by_format: dict[str, Counter[str]] = {name: Counter() for name in FORMATS}
    for row in rows:
        by_format[row["case"].partition(":")[0]][row["outcome"]] += 1
    lines = [
        (FORMATS[name].label, found.total(), *(found[outcome] for outcome in shown))
        for name, found in by_format.items()
    ]
    yield table(["format", "files", *shown], lines)


def kills_section(rows: list[Row]) -> Iterator[str]:
    """Kills: counts by what was killed."""
    yield f"## {len(rows)} kills\n"
    yield KILLS
    lines = [
        (
            scenario.label,
            *(count(rows, f"{name}:", outcome) for outcome in ("same", "ended", "lost")),
        )
        for name, scenario in kills.SCENARIOS.items()
    ]
    yield table(["killed", "same numbers", "ended before the signal", "at fault"], lines)


def faults_section(rows: list[Row]) -> Iterator[str]:
    """Faults of the surroundings: counts by kind."""
    yield f"## {len(rows)} faults of the surroundings\n"
    yield SURROUNDINGS.format(free=", ".join(map(str, faults.FREE)))
    lines = [
        (label, *(count(rows, f"{name}:", outcome) for outcome in ("good", "fault", "impossible")))
        for name, label in faults.LABELS.items()
    ]
    yield table(["fault", "good", "at fault", "not possible on this machine"], lines)


def count(rows: list[Row], start: str, outcome: str) -> int:
    """How many rows of cases whose names begin so have an outcome."""
    return sum(row["case"].startswith(start) and row["outcome"] == outcome for row in rows)


def operations_section(path: Path) -> Iterator[str]:
    """Operations of exported programs: the counts that were kept."""
    yield "## Operations of exported programs\n"
    yield "Each listed operation, called with hostile arguments in a child process.\n"
    if not path.exists():
        yield "Not run yet.\n"
        return
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    yield table(["outcome", "calls"], found.items())
