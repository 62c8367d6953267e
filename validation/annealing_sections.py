"""Section of the page on annealed chains: bounds on log p(x) and the gaps of inference."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import fmean

from validation.annealing_studies import KINDS, annealing_studies
from validation.coverage import RARE, WIDTH, binomial_tail
from validation.page import Line, Section, bold, percent
from validation.results import Row, read_rows

ONE_SIDED = 0.955
"""Share of runs in which a bound has to be on its side of the truth."""
LOW, HIGH = 0.90, 0.99
"""Shares of runs between which the interval of an estimate has to hold the truth."""
NEAR = 0.05
"""Nats: how far a bound may be from the truth on average."""


def annealing_sections(folder: Path) -> list[Section]:
    """The section of what was measured of annealed chains."""
    return [
        Section(
            "Gaps of inference: linear-Gaussian decoders with a wrong encoder",
            "log p(x) and the gaps are known in closed form; the encoder's means are halved and "
            "its deviations are off by two. Of a bound: how often the truth is on its side of the "
            f"limit, value ± 1.96 errors; {percent(ONE_SIDED)} or more are asked for. Of the "
            f"estimate: how often ± 1.96 errors hold the truth; {percent(LOW)} to {percent(HIGH)}. "
            "In bold where the binomial test at 2.5 % finds otherwise, or the mean of a bound is "
            f"further from the truth than {NEAR:g} nat.",
            "study|runs|row|kind|truth|found − truth|held",
            partial(gap_lines, folder),
        )
    ]


def gap_lines(folder: Path) -> Iterator[Line]:
    """A line a study and row of the report."""
    for study in annealing_studies():
        rows = read_rows(folder, study.name)
        if rows:
            yield from (gap_line(study.name, rows, name) for name in KINDS)


def gap_line(study: str, rows: list[Row], name: str) -> Line:
    """How far a row of the report is from the truth, and how often its error holds that."""
    kind, count = KINDS[name], len(rows)
    apart = [row[name][0] - row["truth"][name] for row in rows]
    errors = [row[name][1] for row in rows]
    sign = {"upper": 1, "lower": -1, "estimate": 0}[kind]
    inside = [
        sign * far >= -WIDTH * error if sign else abs(far) <= WIDTH * error
        for far, error in zip(apart, errors, strict=True)
    ]
    hits = sum(inside)
    low = ONE_SIDED if sign else LOW
    off = hits < low * count and binomial_tail(hits, count, low) < RARE
    if not sign:
        off |= hits > HIGH * count and binomial_tail(count - hits, count, 1 - HIGH) < RARE
    return (
        study,
        count,
        name,
        kind,
        f"{fmean(row['truth'][name] for row in rows):.4f}",
        bold(f"{fmean(apart):+.4f}", abs(fmean(apart)) > NEAR),
        bold(percent(hits / count), off),
    )
