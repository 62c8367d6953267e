"""Sections of the page that are made of the audit's results: coverage and brackets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from genprobe.estimators.catalog import ESTIMATORS, row_of
from genprobe.self_check.case import Case
from validation.audit import FRESH
from validation.cases.population import BOUNDED
from validation.coverage import (
    INSIDE,
    NARROW,
    NOT_RUN,
    WIDE,
    WIDTH,
    Cell,
    binomial_tail,
    cells,
    fails,
)
from validation.page import Line, Section, bold, percent, signed
from validation.results import kept_limits, read_rows

NOMINAL = 0.025


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A cell, and the same with fresh seeds where the first run failed."""

    first: Cell
    second: Cell | None

    @property
    def stands(self) -> bool:
        """Whether the cell is outside, also with fresh seeds as far as these were run."""
        return fails(self.first) and (self.second is None or fails(self.second))


def judge(cases: Sequence[Case], folder: Path) -> list[Judged]:
    """Every cell of every case that was run."""
    found = []
    for case in cases:
        again = {cell.estimate: cell for cell in cells(case, folder, fresh=True)}
        for first in cells(case, folder):
            second = again[first.estimate]
            rerun = fails(first) and second.verdict != NOT_RUN
            if first.verdict != NOT_RUN:
                found.append(Judged(first=first, second=second if rerun else None))
    return found


def content(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """The table of all cells as plain types, a record a run."""
    rows = []
    for pair in judged:
        for run, cell in (("first", pair.first), ("fresh seeds", pair.second)):
            if cell is not None:
                rows.append({"run": run, **asdict(cell)})
    return rows


def overview(judged: Sequence[Judged]) -> Iterator[Line]:
    """A line an estimate and error: how many cells are inside, and the worst.

    A cell that is outside and is not with fresh seeds counts as inside.
    """
    for name in ESTIMATORS:
        for error in ("se", "se_data"):
            mine = [j for j in judged if (j.first.estimate, j.first.error) == (name, error)]
            if not mine:
                continue
            counts = dict.fromkeys(("inside", "exact", "not printed"), 0)
            for j in mine:
                kind = INSIDE if fails(j.first) and not j.stands else j.first.verdict
                counts[kind] = counts.get(kind, 0) + 1
            known = [j.first.coverage for j in mine if j.first.coverage is not None]
            yield (
                row_of(name).label.strip(),
                ERRORS[error],
                len(mine),
                counts["inside"],
                counts["exact"],
                counts["not printed"],
                counts.get(WIDE, 0),
                bold(str(counts.get(NARROW, 0)), NARROW in counts),
                f"{percent(min(known))} to {percent(max(known))}" if known else "–",
                percent(max(j.first.missed for j in mine)),
            )


ERRORS = {"se": "Monte Carlo", "se_data": "data"}


def lines_of(name: str, judged: Sequence[Judged]) -> Iterator[Line]:
    """A line a case of one estimate."""
    for j in judged:
        if j.first.estimate == name:
            yield line_of(j.first, j.stands)
            if j.second is not None:
                yield line_of(j.second, j.stands, again=True)


def line_of(cell: Cell, stands: bool, again: bool = False) -> Line:
    """A cell as a line of a table."""
    truth = cell.truth
    said = "; ".join(cell.told) if stands or cell.printed < 1 else ""
    return (
        cell.case + (" (fresh seeds)" if again else ""),
        cell.regime,
        cell.n,
        ERRORS[cell.error],
        "–" if truth is None else f"{truth.value:.4g}",
        "–" if truth is None else truth.source,
        cell.seeds,
        percent(cell.printed),
        bold(percent(cell.coverage), stands),
        percent(cell.missed),
        signed(cell.mean_z),
        "–" if cell.sd_z is None else f"{cell.sd_z:.2f}",
        bold(cell.verdict, stands),
        said.replace("|", "\\|"),
    )


READING = """\
How often an estimate ± 1.96 errors holds the truth. The Monte Carlo error is of the same examples
under other seeds, the data error of other examples from the same population. A cell is inside if 92
to 98 % of the intervals hold the truth, or if the binomial test at 2.5 % a side admits a coverage
within these limits; one that is outside is run again with fresh seeds, and counts as outside if
these agree. An exact cell has no error and no deviation. Where the truth is the mean of the runs,
only the spread is checked.

*Missed* is the share of all runs that print an interval without the truth in it. Where few runs
print one, they are those whose data do not show what makes the case hard, and their coverage is low
because the others print none.

Intervals that are too wide are so on purpose:

- One draw an example leaves its noise to be bounded by the spread over examples.
- Where hardly any codes overlap, the error of I(n;z) is that of overlaps which the draws may have
  missed; its data error is up to √2 times too wide where posteriors meet in pairs.
- The error of a fitted prior holds what three fits with other seeds differ by, with Student's t for
  three.
- An end of a bracket pays for having been chosen among bounds. Leave-one-out adds up two errors of
  the same queries.
- With two draws the IWAE bound has the error of one. The jackknife over few draws of heavy-tailed
  weights errs to the wide side.
"""
COLUMNS = (
    "case|regime|N|error|truth|from|seeds|printed|coverage|missed|mean of z|sd of z|verdict|told"
)


def coverage_sections(judged: Sequence[Judged]) -> list[Section]:
    """An overview, and a table an estimate."""
    found = [
        Section(
            "Coverage of 95 % intervals",
            READING,
            "estimate|error|cells|inside|exact|not printed|too wide|too narrow|coverage|"
            "missed, at most",
            partial(overview, judged),
        )
    ]
    for name in ESTIMATORS:
        if any(j.first.estimate == name for j in judged):
            label = row_of(name).label.strip()
            note = f"`{name}`: {row_of(name).meaning}."
            lines = partial(lines_of, name, judged)
            found.append(Section(f"Coverage: {label}", note, COLUMNS, lines))
    return found


def brackets(cases: Sequence[Case], folder: Path) -> Iterator[Line]:
    """How often a bound is beyond the population's number by more than 1.96 errors."""
    for case in cases:
        rows = [row for row in read_rows(folder, case.name) if row["seed"] < FRESH]
        limits = kept_limits(folder, case) if rows else {}
        for name in case.estimators if limits else ():
            if name in BOUNDED and BOUNDED[name][0] in limits:
                yield bracket_line(case, name, rows, limits)


def bracket_line(
    case: Case, name: str, rows: Sequence[Mapping[str, Any]], limits: Mapping[str, float]
) -> Line:
    """One bound of one case."""
    what, side = BOUNDED[name]
    sign = 1 if side == "upper" else -1
    found = [row["estimates"][name] for row in rows if name in row["estimates"]]
    stated = [(e[0], e[2]) for e in found if e[2] is not None]
    wrong = sum(sign * (limits[what] - value) > WIDTH * error for value, error in stated)
    share = wrong / len(stated) if stated else None
    beyond = (
        share is not None
        and share > NOMINAL
        and binomial_tail(len(stated) - wrong, len(stated), 1 - NOMINAL) < NOMINAL
    )
    mean = sum(value for value, _ in stated) / len(stated) if stated else float("nan")
    return (
        case.name,
        case.regime,
        case.n,
        what,
        f"{limits[what]:.4f}",
        f"{row_of(name).label.strip()} ({side})",
        f"{mean:.4f}",
        len(stated),
        bold(percent(share), beyond),
    )


def bracket_section(cases: Sequence[Case], folder: Path) -> Section:
    """The table of all bounds."""
    return Section(
        "Brackets of the population's numbers",
        "How often a bound errs by more than 1.96 of its data errors: an upper one below the "
        "truth, a lower one above it. Nominal are 2.5 % where the bound is tight, and fewer where "
        "it is not.",
        "case|regime|N|of|truth|bound|mean|seeds|beyond the truth",
        partial(brackets, cases, folder),
    )
