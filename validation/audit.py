"""Running cases for many seeds, on two processes, so that what was done is never done again."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from genprobe.report import Report
from genprobe.runtime.jobs import run_jobs
from genprobe.runtime.progress import Progress
from genprobe.self_check.case import Case, evaluate_case
from validation.results import (
    Row,
    append,
    begin,
    code_fingerprint,
    fingerprint,
    kept_limits,
    kept_truths,
    read_rows,
)

FRESH = 1_000_000
"""Seeds of a second run begin here."""
PIECE = 8
"""Seeds of one task: what an interruption may lose."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """Something other than coverage that is measured seed by seed.

    Attributes:
        name: of its file.
        run: a seed to what is kept of it; a function of a module, or a partial of one.
        seeds: as a share of those of a case.
    """

    name: str
    run: Callable[[int], Row]
    seeds: float = 1.0


Item: TypeAlias = Case | Study


def header_of(item: Item) -> dict[str, str]:
    """What the rows of a case or study depend on."""
    parts: list[Any] = [item.name, item.run if isinstance(item, Study) else item.make]
    if isinstance(item, Case):
        parts += [item.error, list(item.estimators), dict(item.options)]
    return {"name": item.name, "definition": fingerprint(*parts), "code": code_fingerprint()}


def row_of(item: Item, seed: int) -> Row:
    """What is kept of one seed."""
    start = time.perf_counter()
    found = item.run(seed) if isinstance(item, Study) else report_row(evaluate_case(item, seed))
    return {"seed": seed, "seconds": round(time.perf_counter() - start, 3), **found}


def report_row(report: Report) -> Row:
    """The numbers of a report, and what it says of them."""
    return {
        "estimates": {
            name: [e.value, e.se, e.se_data, getattr(e, "remark", "")]
            for name, e in report.estimates.items()
        },
        "absent": report.provenance["absent"],
        "notices": [notice.code for notice in report.warnings],
        "queries": report.provenance["queries"],
    }


@dataclass(frozen=True, kw_only=True)
class Task:
    """Some seeds of one item, to be run before a deadline; without seeds its truths are made.

    Attributes:
        name: of the item.
        seeds: to be run.
        deadline: seconds since the epoch, after which none is begun.
        folder: of the results.
    """

    name: str
    seeds: tuple[int, ...]
    deadline: float
    folder: Path


def run_task(task: Task, progress: Progress) -> tuple[str, list[Row]]:
    """The rows of a task; those that the deadline left."""
    from validation.cases import ITEMS

    torch.set_num_threads(1)
    item, rows = ITEMS[task.name], []
    if isinstance(item, Case) and not task.seeds and time.time() < task.deadline:
        kept_truths(task.folder, item)
        kept_limits(task.folder, item)
    for seed in task.seeds:
        if time.time() < task.deadline:
            rows.append(row_of(item, seed))
        progress.advance("seeds", 1, 1)
    return task.name, rows


def audit(
    items: Sequence[Item],
    seeds: int,
    folder: Path,
    *,
    first: int = 0,
    deadline: float,
    jobs: int,
    progress: Progress,
    any_code: bool = False,
) -> bool:
    """Run every seed of every item that is not there yet.

    Args:
        items: cases and studies.
        seeds: of each.
        folder: of the results.
        first: the first seed.
        deadline: seconds since the epoch, after which no seed is begun.
        jobs: processes.
        progress: display.
        any_code: whether rows of other code count as done.

    Returns:
        Whether all are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for item in items:
        begin(folder, item.name, header_of(item), any_code)
    tasks = list(pieces(items, seeds, folder, first, deadline))
    total = sum(len(task.seeds) for task in tasks)
    done = 0

    def write(result: tuple[str, list[Row]]) -> None:
        nonlocal done
        append(folder, *result)
        done += len(result[1])

    if tasks:
        run_jobs(
            run_task,
            tasks,
            jobs=jobs,
            stage="seeds",
            total=total,
            progress=progress,
            on_done=write,
        )
    return done == total


def pieces(
    items: Sequence[Item], seeds: int, folder: Path, first: int, deadline: float
) -> Iterator[Task]:
    """The seeds that are missing, a few a task."""
    for item in items:
        there = {row["seed"] for row in read_rows(folder, item.name)}
        wanted = range(first, first + max(1, round(item.seeds * seeds)))
        missing = [seed for seed in wanted if seed not in there]
        for low in range(0, len(missing), PIECE):
            some = tuple(missing[low : low + PIECE])
            yield Task(name=item.name, seeds=some, deadline=deadline, folder=folder)
        if isinstance(item, Case):
            yield Task(name=item.name, seeds=(), deadline=deadline, folder=folder)
