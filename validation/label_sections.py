"""Sections of the page on labels: both ends of the bracket, the test for leaks, and the gap."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import scipy.stats

from validation.coverage import HIGH, LOW, RARE, WIDTH, binomial_tail
from validation.label_studies import label_studies
from validation.page import Line, Section, bold, percent
from validation.results import Row, read_rows

ONE_SIDED = 0.955
"""Share of runs in which an end of the bracket has to be on its side of the truth."""
NEAR = 0.05
"""Of H(Y): how far the lower bound may be from the truth on average."""
UNIFORM = 0.01
FOUND = 0.8


def label_sections(folder: Path) -> list[Section]:
    """The sections of what was measured of labels."""
    return [
        Section(
            "Labels: the bracket of I(Y;Z)",
            "Four classes that are normals, whose information is known by quadrature, and labels "
            "that are independent of the code. How often the lower limit (value − 1.96 errors) is "
            f"at most the truth and the upper one at least; nominal are {percent(ONE_SIDED)} or "
            "more, in bold where the binomial test at 2.5 % finds fewer. The index figure is what "
            "the label takes of these N alone.",
            "study|runs|truth|index figure|lower bound|upper end|lower limit holds|"
            "upper limit holds",
            partial(bracket_lines, folder),
        ),
        Section(
            "Labels: the test for leaks",
            "Labels that are independent of the code: p-values ought to be uniform (in bold where "
            "Kolmogorov and Smirnov's test at 1 % finds that they are not), and the verdict to "
            "find nothing. Then a leak as large as the power that is stated, which ought to be "
            f"found in {percent(FOUND)}.",
            "study|runs|uniform (p)|p ≤ 0.05|leak stated",
            partial(leak_lines, folder),
        ),
        Section(
            "Labels: the mutual information gap",
            "Three dimensions, two of which tell a label of two classes; the gap is known by "
            "quadrature. Intervals of ± 1.96 errors.",
            "study|runs|truth|mean|largest deviation in errors|coverage",
            partial(gap_lines, folder),
        ),
    ]


def rows_of(folder: Path, prefix: str) -> Iterator[tuple[str, list[Row]]]:
    """The rows of the studies whose names begin so, where there are any."""
    for study in label_studies():
        if study.name.startswith(prefix):
            rows = read_rows(folder, study.name)
            if rows:
                yield study.name, rows


def held(hits: Sequence[bool]) -> str:
    """A share, in bold where it is too small to be chance."""
    count, runs = sum(hits), len(hits)
    few = count < ONE_SIDED * runs and binomial_tail(count, runs, ONE_SIDED) < RARE
    return bold(percent(count / runs), few)


def bracket_lines(folder: Path) -> Iterator[Line]:
    """A line a study."""
    for name, rows in (*rows_of(folder, "label-bounds"), *rows_of(folder, "label-independent")):
        truth = rows[0]["truth"]
        lower, upper = ([row[end] for row in rows] for end in ("lower", "upper"))
        mean = fmean(value for value, _ in lower)
        far = abs(mean - truth) > NEAR * rows[0]["entropy"]
        yield (
            name,
            len(rows),
            f"{truth:.4f}",
            f"{fmean(row['index'] for row in rows):.4f}",
            bold(f"{mean:.4f}", far),
            f"{fmean(value for value, _ in upper):.4f}",
            held([value - WIDTH * error <= truth for value, error in lower]),
            held([value + WIDTH * error >= truth for value, error in upper]),
        )


def leak_lines(folder: Path) -> Iterator[Line]:
    """A line a study."""
    for name, rows in (*rows_of(folder, "label-independent"), *rows_of(folder, "label-null")):
        values = [row["p_value"] for row in rows]
        uniform = float(scipy.stats.kstest(values, "uniform").pvalue)
        yield (
            name,
            len(rows),
            bold(f"{uniform:.2f}", uniform < UNIFORM),
            percent(fmean(p <= 0.05 for p in values)),
            percent(fmean(row["found"] for row in rows)),
        )
    for name, rows in rows_of(folder, "label-leak"):
        share = percent(fmean(row["p_value"] <= 0.05 for row in rows))
        yield name, len(rows), "–", share, percent(fmean(row["found"] for row in rows))


def gap_lines(folder: Path) -> Iterator[Line]:
    """A line a study."""
    for name, rows in rows_of(folder, "label-gap"):
        truth = rows[0]["truth"]
        scores = [(row["gap"][0] - truth) / row["gap"][1] for row in rows]
        inside = sum(abs(z) <= WIDTH for z in scores)
        share = inside / len(rows)
        yield (
            name,
            len(rows),
            f"{truth:.4f}",
            f"{fmean(row['gap'][0] for row in rows):.4f}",
            f"{max(map(abs, scores)):.1f}",
            bold(percent(share), not LOW <= share <= max(HIGH, share)),
        )
