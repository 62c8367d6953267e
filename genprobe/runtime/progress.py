"""Progress on a terminal, one row a stage; nothing when standard error is a pipe."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from genprobe.escape import escape

BAR = 16
"""Columns of a bar, such that a row with its text fits 80."""

LABELS = {
    "fit": "fit prior",
    "check": "read data",
    "dimensions": "by dim.",
    "permutations": "permute",
}
"""What a stage is called on the screen, in nine columns, where its name alone does not say it."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress display that long-running work reports to.

    Attributes:
        advance: a stage, how much of it was just done, and how much there is in all.
        say: a stage and what is known so far, which replaces what was said of it before.
    """

    advance: Callable[[str, int, int], None]
    say: Callable[[str, str], None]


silent = Progress(advance=lambda stage, done, total: None, say=lambda stage, text: None)
"""Shows nothing."""


@contextlib.contextmanager
def progress_display(wanted: bool | Progress) -> Iterator[Progress]:
    """A display with throughput and time left, if wanted and standard error is a terminal.

    Args:
        wanted: whether to show one; an existing display is passed through.
    """
    if isinstance(wanted, Progress):
        yield wanted
        return
    if not (wanted and sys.stderr.isatty()):
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description:<9}"),
        BarColumn(BAR),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]:>8}", markup=False),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[text]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def row(stage: str) -> TaskID:
        if stage not in tasks:
            tasks[stage] = bars.add_task(LABELS.get(stage, stage), total=None, rate="", text="")
        return tasks[stage]

    def advance(stage: str, done: int, total: int) -> None:
        identity = row(stage)
        task = bars.tasks[identity]
        if task.finished:  # the same stage once more, such as a further round of queries
            bars.reset(task.id)
        bars.update(task.id, advance=done, total=total, rate=per_second(task.speed))

    def say(stage: str, text: str) -> None:
        bars.update(row(stage), text=escape(text))

    with bars:
        yield Progress(advance=advance, say=say)


def per_second(speed: float | None) -> str:
    """A throughput in few columns: ``12.3k/s``."""
    if not speed:
        return ""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if speed >= size:
            return f"{speed / size:.1f}{letter}/s"
    return f"{speed:.1f}/s"
