"""Try genprobe on damaged files and faults, and write docs/reliability.md: ``python -m fuzz``."""

import gc
import importlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click

import fuzz
import genprobe
from fuzz.page import write_page
from fuzz.parts import PARTS, Part, opened, part_of
from genprobe.runtime.progress import Progress, progress_display
from validation.results import append, begin, code_fingerprint, read_rows
from validation.resumable import resumable


@click.command()
@click.option("--cases", type=int, help="Damaged files.  [default: 10000]")
@click.option("--kills", type=int, help="Kills.  [default: 100]")
@click.option("--part", "names", multiple=True, help="damaged, kills, faults or operations.")
@click.option("--only", multiple=True, metavar="CASE", help="Run one case and show its row.")
@resumable(".fuzz", jobs=1)
def main(
    cases: int | None,
    kills: int | None,
    names: tuple[str, ...],
    only: tuple[str, ...],
    results: Path,
    budget_minutes: float,
    jobs: int,
    out: Path,
    any_code: bool,
    page: bool,
) -> None:
    """Run what is missing, and write the page."""
    if only:
        run_only(only)
        return
    deadline = time.time() + 60 * budget_minutes
    wanted = {"damaged": cases, "kills": kills}
    header = {"code": code_fingerprint((genprobe, fuzz), ())}
    done = True
    for part in PARTS:
        if not names or part.name in names:
            begin(results, part.name, header, any_code)
            planned = part.plan(wanted.get(part.name) or part.usual)
            done = run_part(part, planned, results, deadline, jobs) and done
    if not names or "operations" in names:
        run_operations(results / "operations.json")
    if page:
        write_page(out, results)
    if not done:
        click.echo("Stopped at the budget; the same command goes on from here.", err=True)


def run_only(names: Sequence[str]) -> None:
    """Run cases by name, and show their rows."""
    for name in names:
        with opened(part_of(name)) as run:
            click.echo(json.dumps(run(name), indent=1, ensure_ascii=False))


def run_part(part: Part, planned: Sequence[str], results: Path, deadline: float, jobs: int) -> bool:
    """Run the cases of a part that have no row.

    Args:
        part: of the session.
        planned: its cases.
        results: folder of the rows.
        deadline: time at which to stop.
        jobs: processes at a time; each has its own files.

    Returns:
        Whether all have one now.
    """
    left = sorted(missing(part, planned, results))
    Random(0).shuffle(left)  # what a budget leaves out is then of every kind alike
    with progress_display(True) as progress:
        children = [start_share(part, left[i::jobs], results, deadline) for i in range(1, jobs)]
        run_share(part, left[::jobs], results, deadline, progress)
    for child in children:
        if os.waitpid(child, 0)[1]:
            raise click.ClickException(f"A process of the part {part.name} failed.")
    return not missing(part, planned, results)


def missing(part: Part, planned: Sequence[str], results: Path) -> set[str]:
    """Those of the cases of a part that have no row."""
    return {*planned} - {row["case"] for row in read_rows(results, part.name, "case")}


def start_share(part: Part, cases: Sequence[str], results: Path, deadline: float) -> int:
    """Run some cases in a fork of this process; returns its number."""
    child = os.fork()
    if not child:
        status = 1
        try:
            run_share(part, cases, results, deadline, None)
            status = 0
        finally:
            os._exit(status)
    return child


def run_share(
    part: Part, cases: Sequence[str], results: Path, deadline: float, progress: Progress | None
) -> None:
    """Run some cases of a part until the deadline, and keep their rows."""
    if not cases:
        return
    with opened(part) as run:
        gc.freeze()  # so that forks copy fewer pages
        for name in cases:
            if time.time() > deadline:
                return
            append(results, part.name, [run(name)])
            if progress is not None:
                progress.advance(part.name, 1, len(cases))


def run_operations(path: Path) -> None:
    """Call every operation of exported programs with hostile arguments; keep the counts."""
    operations = importlib.import_module("fuzz.operations")
    path.write_text(json.dumps(operations.run(50, 0), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
