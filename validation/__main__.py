"""Run the audit and write docs/validation.md and docs/validation.json: ``python -m validation``."""

import fnmatch
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from genprobe.runtime.progress import progress_display
from genprobe.self_check.case import Case
from validation.annealing_sections import annealing_sections
from validation.audit import FRESH, Item, audit
from validation.cases import ITEMS
from validation.coverage import cells, fails
from validation.coverage_sections import (
    Judged,
    bracket_section,
    content,
    coverage_sections,
    judge,
)
from validation.exact_sections import EXACT_SECTIONS
from validation.label_sections import label_sections
from validation.mutual_information_benchmark import benchmark_sections
from validation.page import table
from validation.resumable import resumable
from validation.study_sections import study_sections

SCHEMA = "genprobe.validation/1"
INTRO = """# Validation

Every error of every estimate, tried on cases whose truth is known by other means: closed forms,
quadrature, enumeration, float64 brute force. In nats per example. Written by `nox -s validation`;
nothing in it is typed by hand. `validation.json` beside this page has every cell.
"""


@click.command()
@click.option("--seeds", type=int, default=400, show_default=True, help="Runs a case.")
@click.option(
    "--cases", "pattern", default="*", show_default=True, help="Names of the cases to run."
)
@resumable(".validation", jobs=2)
@click.option("--list", "listing", is_flag=True, help="Only list the cases.")
def main(
    seeds: int,
    pattern: str,
    results: Path,
    budget_minutes: float,
    jobs: int,
    out: Path,
    any_code: bool,
    page: bool,
    listing: bool,
) -> None:
    """Run what is missing, judge it, and write the page."""
    chosen = [item for name, item in ITEMS.items() if fnmatch.fnmatch(name, pattern)]
    if listing:
        for item in chosen:
            click.echo(f"{item.name}: {item.regime}" if isinstance(item, Case) else item.name)
        return
    deadline = time.time() + 60 * budget_minutes
    with progress_display(True) as progress:
        done = run(
            chosen,
            seeds,
            results,
            deadline=deadline,
            jobs=jobs,
            progress=progress,
            any_code=any_code,
        )
    if page:
        write_page(out, results)
    if not done:
        click.echo("Stopped at the budget; the same command goes on from here.", err=True)


def run(chosen: Sequence[Item], seeds: int, results: Path, **settings: Any) -> bool:
    """Run what is missing, and what failed once more with fresh seeds.

    Args:
        chosen: cases and studies.
        seeds: of each.
        results: folder.
        settings: of ``audit``.

    Returns:
        Whether all was done before the deadline.
    """
    if not audit(chosen, seeds, results, **settings):
        return False
    failed = [
        item
        for item in chosen
        if isinstance(item, Case) and any(fails(cell) for cell in cells(item, results))
    ]
    return audit(failed, seeds, results, first=FRESH, **settings)


def extent(judged: Sequence[Judged], every: int) -> str:
    """How much of the audit the page stands on."""
    ran = {pair.first.case for pair in judged}
    most = max((pair.first.seeds for pair in judged), default=0)
    return f"{len(ran)} of {every} cases of coverage have been run, with {most} seeds at most.\n"


def write_page(out: Path, results: Path) -> None:
    """The page and its machine-readable table, from all results that there are."""
    cases = [item for item in ITEMS.values() if isinstance(item, Case)]
    judged = judge(cases, results)
    sections = [
        *coverage_sections(judged),
        bracket_section(cases, results),
        *study_sections(results),
        *label_sections(results),
        *annealing_sections(results),
        *benchmark_sections(results / "benchmark.json"),
        *EXACT_SECTIONS,
    ]
    text = "\n".join([INTRO, extent(judged, len(cases)), *map(table, sections)])
    (out / "validation.md").write_text(text, encoding="utf-8")
    plain = json.dumps({"schema": SCHEMA, "cells": content(judged)}, indent=1, ensure_ascii=False)
    (out / "validation.json").write_text(plain + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
