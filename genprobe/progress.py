"""Progress on a terminal; nothing when standard error is a pipe."""

import contextlib
import sys
from collections.abc import Callable, Iterator

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much was just done, and how much there is in all."""


def silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""


@contextlib.contextmanager
def showing(wanted: bool) -> Iterator[Progress]:
    """A display with throughput and time left, if wanted and standard error is a terminal."""
    if not (wanted and sys.stderr.isatty()):
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def advance(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total, rate="")
        bars.update(tasks[stage], advance=done, total=total)
        speed = bars.tasks[tasks[stage]].speed
        if speed:
            bars.update(tasks[stage], rate=f"{speed:,.0f}/s")

    with bars:
        yield advance
