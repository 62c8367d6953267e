"""Whether 95 % intervals hold what they should, cell by cell, and whether that is chance.

A cell is one error of one estimate of one case. Its coverage is the share of runs whose estimate
± 1.96 errors holds the truth. It is inside where 92 to 98 % are held, or where so many hits could
come from a true coverage within these limits: the binomial test at 2.5 % a side.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from genprobe.self_check.case import ROUNDING, Case, Truth
from validation.audit import FRESH
from validation.results import Row, kept_truths, read_rows

LOW, HIGH = 0.92, 0.98
RARE = 0.025
WIDTH = 1.96
BLUNT = 0.5
"""A truth whose own error is above this share of both the stated error and the spread over runs
judges nothing."""

INSIDE, NARROW, WIDE = "inside", "too narrow", "too wide"
EXACT, NOT_PRINTED, BLUNT_TRUTH, NOT_RUN = "exact", "not printed", "truth too rough", "not run"
OUTSIDE = (NARROW, WIDE)
CENTRE = "mean of the runs"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One error of one estimate of one case.

    Attributes:
        case: its name.
        regime: what is special about the case.
        n: number of examples.
        estimate: its name.
        error: which of the two.
        truth: what it was held against; None without a run.
        seeds: runs.
        printed: share of them in which the error was stated.
        coverage: share of those whose interval held the truth; None without any.
        missed: share of all runs that stated an interval without the truth in it.
        mean_z: mean deviation in errors.
        sd_z: its standard deviation.
        verdict: see the constants of this file.
        told: what the user is told with the number, most frequent first.
    """

    case: str
    regime: str
    n: int
    estimate: str
    error: str
    truth: Truth | None
    seeds: int
    printed: float
    coverage: float | None
    missed: float
    mean_z: float | None
    sd_z: float | None
    verdict: str
    told: tuple[str, ...]


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X ≤ k) of n trials of probability p.

    Example:
        >>> round(binomial_tail(1, 2, 0.5), 12)
        0.75
    """
    logs = (
        math.lgamma(n + 1)
        - math.lgamma(i + 1)
        - math.lgamma(n - i + 1)
        + i * math.log(p)
        + (n - i) * math.log1p(-p)
        for i in range(k + 1)
    )
    return math.fsum(math.exp(value) for value in logs)


def judged(hits: int, runs: int) -> str:
    """Whether so many hits of so many runs are consistent with a coverage of 92 to 98 %.

    Example:
        >>> judged(380, 400), judged(340, 400), judged(400, 400)
        ('inside', 'too narrow', 'too wide')
    """
    if hits < LOW * runs and binomial_tail(hits, runs, LOW) < RARE:
        return NARROW
    if hits > HIGH * runs and binomial_tail(runs - hits, runs, 1 - HIGH) < RARE:
        return WIDE
    return INSIDE


def cells(case: Case, folder: Path, fresh: bool = False) -> Iterator[Cell]:
    """The cells of a case, one an estimate.

    Args:
        case: to be judged.
        folder: of the results.
        fresh: whether of the second run, which has seeds of its own.
    """
    rows = [row for row in read_rows(folder, case.name) if (row["seed"] >= FRESH) == fresh]
    truths = kept_truths(folder, case) if rows else {}
    for name in case.estimators:
        yield cell(case, name, rows, truths)


def cell(case: Case, name: str, rows: Sequence[Row], truths: Mapping[str, Truth]) -> Cell:
    """One cell, from the rows of its case."""
    position = 1 if case.error == "se" else 2
    there = [row["estimates"][name] for row in rows if name in row["estimates"]]
    stated = [e for e in there if e[position] is not None]
    facts: dict[str, Any] = {
        "case": case.name,
        "regime": case.regime,
        "n": case.n,
        "estimate": name,
        "error": case.error,
        "seeds": len(rows),
        "printed": len(stated) / len(rows) if rows else 0.0,
        "told": told(name, rows),
    }
    if len(stated) < 2:
        verdict = NOT_PRINTED if rows else NOT_RUN
        return Cell(
            **facts,
            truth=truths.get(name),
            coverage=None,
            missed=0.0,
            mean_z=None,
            sd_z=None,
            verdict=verdict,
        )
    truth = truths.get(name) or centre([e[0] for e in there])
    found = measured([(e[0], e[position]) for e in stated], truth)
    missed = (1 - found["coverage"]) * len(stated) / len(rows)
    return Cell(**facts, truth=truth, missed=missed, **found)


def centre(values: Sequence[float]) -> Truth:
    """The mean of the runs themselves as what each is held against."""
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Truth(value=fmean(values), error=error, source=CENTRE)


def measured(found: Sequence[tuple[float, float]], truth: Truth) -> dict[str, Any]:
    """Coverage, deviations and verdict of (value, error) against a truth.

    A run is itself a part of the mean of the runs: it deviates from it by 1 − 1/n of its variance.
    """
    rounding = ROUNDING * (1 + abs(truth.value))
    own = truth.source == CENTRE
    typical = sorted(error for _, error in found)[len(found) // 2]
    scores, hits, exact = [], 0, typical <= rounding
    for value, error in found:
        off = value - truth.value
        total = error * math.sqrt(1 - 1 / len(found)) if own else math.hypot(error, truth.error)
        hits += abs(off) <= WIDTH * total + rounding
        exact = exact and abs(off) <= rounding
        if total > 0:
            scores.append(off / total)
    spread = stdev(value for value, _ in found)
    rough = not own and truth.error > BLUNT * max(typical, spread) and not exact
    verdict = EXACT if exact else BLUNT_TRUTH if rough else judged(hits, len(found))
    told_apart = len(scores) > 1 and verdict != EXACT
    return {
        "coverage": hits / len(found),
        "mean_z": fmean(scores) if told_apart else None,
        "sd_z": stdev(scores) if told_apart else None,
        "verdict": verdict,
    }


def told(name: str, rows: Sequence[Row]) -> tuple[str, ...]:
    """What the user is told with an estimate: its remark, why it is absent, or notices."""
    found: Counter[str] = Counter()
    for row in rows:
        remark = row["estimates"][name][3] if name in row["estimates"] else row["absent"].get(name)
        found.update([remark] if remark else [])
    if not found:
        found.update(code for row in rows for code in row["notices"])
    return tuple(text for text, _ in found.most_common(3))


def fails(found: Cell) -> bool:
    """Whether a cell calls for a second run."""
    return found.verdict in OUTSIDE
