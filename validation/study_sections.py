"""Sections of the page on regimes, comparisons and queries."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

from genprobe.analysis.regimes import UNDETERMINED
from genprobe.analysis.replicates import REPLICATES
from genprobe.comparing.difference import critical_z
from validation.audit import Study
from validation.coverage import RARE, WIDTH, binomial_tail
from validation.page import Line, Section, bold, percent
from validation.results import Row, read_rows
from validation.studies import TOLERANCE, studies

BINS = ((0.0, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01))
"""Of the stated probability of a label."""
NULL, RARER = 0.05, 0.01
"""How often equal models may be said to differ."""


def study_sections(folder: Path) -> list[Section]:
    """The sections of what was measured besides coverage."""
    return [
        Section(
            "Regimes: stated probability and how often right",
            "Populations spread evenly around a cut, farther than the error of a data set, and one "
            "data set of each; a label is right if it is the population's. In bold where the share "
            "of right ones is off by more than chance: half a label and 1.96 standard deviations, "
            f"where none is surer than {REPLICATES} replicates make it. Data sets "
            "whose regime is undetermined have no label: those of the rate alone are where it is "
            "not surely below the cut.",
            "study|data sets|undetermined|stated probability|labels|mean stated|right",
            partial(regimes, folder),
        ),
        Section(
            "Comparisons of models that do not differ",
            "Two models equal in the population, on the same examples: how often |z| of a paired "
            "difference exceeds what the comparison asks of it, Student's t of N - 1 degrees of "
            "freedom, at 5 % and at 1 %. In bold where the binomial test at 2.5 % finds more.",
            "study|difference|runs|with an error|limit|beyond, of 5 %|limit|beyond, of 1 %",
            partial(nulls, folder),
        ),
        Section(
            "Queries",
            f"A run with as many queries as a standard error of {TOLERANCE:g} nat was said to "
            "take: the spread of I(n;z) over seeds in units of that error, 1 if it is kept. The "
            "same for the plain paired estimator with its own number; the advantage is the ratio "
            "of the numbers, each corrected for the error that was reached.",
            "case|seeds|queries|spread / asked|stated / asked|plain|its spread / asked|advantage",
            partial(query_lines, folder),
        ),
    ]


def named(prefix: str) -> Iterator[Study]:
    """The studies whose names begin so."""
    return (study for study in studies() if study.name.startswith(prefix))


def regimes(folder: Path) -> Iterator[Line]:
    """A line a study and bin of the stated probability."""
    for study in named("regime-"):
        rows = read_rows(folder, study.name)
        known = [row for row in rows if row["label"] != UNDETERMINED]
        for low, high in BINS:
            mine = [row for row in known if low <= row["probability"] < high]
            if mine:
                # All of so many replicates may agree on a label that is wrong once in so many.
                stated = [min(row["probability"], 1 - 1 / REPLICATES) for row in mine]
                right = sum(row["label"] == row["truth"] for row in mine)
                spread = math.sqrt(sum(p * (1 - p) for p in stated))
                off = abs(right - sum(stated)) - 0.5  # right ones are a whole number
                yield (
                    study.name,
                    len(rows),
                    len(rows) - len(known),
                    f"{low:g} to {min(high, 1):g}",
                    len(mine),
                    percent(fmean(stated)),
                    bold(percent(right / len(mine)), off > WIDTH * spread),
                )


def nulls(folder: Path) -> Iterator[Line]:
    """A line a study and difference."""
    for study in named("null-"):
        rows = read_rows(folder, study.name)
        for name in rows[0]["differences"] if rows else ():
            scores = [row["differences"][name][2] for row in rows if name in row["differences"]]
            known = [abs(z) for z in scores if z is not None]
            five, one = (rejections(known, rows[0]["n"], level) for level in (NULL, RARER))
            yield study.name, name, len(rows), percent(len(known) / len(rows)), *five, *one


def rejections(scores: Sequence[float], n: int, level: float) -> tuple[str, str]:
    """What |z| of n examples must exceed, and how often it does: bold where chance is less."""
    limit, runs = critical_z(1, n, level), len(scores)
    count = sum(z > limit for z in scores)
    much = count > level * runs and binomial_tail(runs - count, runs, 1 - level) < RARE
    return f"{limit:.2f}", bold(percent(count / runs if runs else None), much)


def query_lines(folder: Path) -> Iterator[Line]:
    """A line a case."""
    for study in named("queries-"):
        rows = read_rows(folder, study.name)
        if len(rows) > 1:
            yield query_line(study.name.removeprefix("queries-"), rows)


def query_line(name: str, rows: Sequence[Row]) -> Line:
    """The spread over seeds of both estimators."""
    ours, plain = (stdev(row[key] for row in rows) / TOLERANCE for key in ("value", "plain"))
    stated = [row["stated"] for row in rows if row["stated"] is not None]
    made = fmean(row["queries"] for row in rows)
    advantage = rows[0]["plain_queries"] * plain**2 / (made * ours**2)
    return (
        name,
        len(rows),
        round(made),
        f"{ours:.2f}",
        f"{fmean(stated) / TOLERANCE:.2f}" if stated else "–",
        rows[0]["plain_queries"],
        f"{plain:.2f}",
        f"{advantage:.1f}",
    )
