"""``genprobe validate``: known numbers measured on this machine."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from genprobe.self_check.check import Finding


@click.command(short_help="Measure known numbers on this machine.")
@click.option(
    "--seeds", type=click.IntRange(1), default=12, show_default=True, help="Evaluations a case."
)
@click.option("--seed", type=int, default=0, show_default=True, help="The first of them.")
@click.option(
    "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes at a time."
)
def validate(seeds: int, seed: int, jobs: int) -> None:
    """Evaluate models whose numbers are known, and hold one against the other.

    Truths are closed forms, quadrature and enumeration, worked out here without
    the estimators. About a minute on two cores. The exit code is 1 if a number is
    further off than chance allows: one healthy machine in a thousand.
    """
    from genprobe.cli.terminal import print_view
    from genprobe.estimators.catalog import row_of
    from genprobe.runtime.progress import progress_display
    from genprobe.self_check.check import beyond, check, limit

    with progress_display(True) as progress:
        findings = check(seed=seed, seeds=seeds, jobs=jobs, progress=progress)
    wrong = beyond(findings)
    print_view(table_of(findings, wrong))
    click.echo()
    click.echo(
        f"{len(findings)} numbers, each the mean of {seeds} evaluations; nats per example.\n"
        f"|z| above {limit(findings):.1f} is no chance."
    )
    for finding in wrong:
        what = row_of(finding.estimate).heading
        click.echo(f"Wrong: {what} of {finding.case}, z = {finding.z:+.1f}.")
    if wrong:
        sys.exit(1)
    click.echo("All are as expected.")


def table_of(findings: "list[Finding]", wrong: "list[Finding]") -> "Table":
    """The findings as a table, those that are wrong in bold."""
    from rich.table import Table

    from genprobe.estimators.catalog import row_of

    table = Table(box=None, padding=(0, 2), pad_edge=False, header_style="bold")
    for heading in ("case", "number", "expected", "measured", "±", "z"):
        table.add_column(heading, justify="left" if heading in ("case", "number") else "right")
    previous = ""
    for f in findings:
        table.add_row(
            "" if f.case == previous else f.case,
            row_of(f.estimate).heading,
            f"{f.truth.value:.4f}",
            f"{f.value:.4f}",
            "exact" if f.error == 0 else "" if f.error is None else f"{f.error:.4f}",
            "" if f.z is None else f"{f.z:+.1f}" if f.error else "0",
            style="bold" if f in wrong else None,
        )
        previous = f.case
    return table
