"""The options of a command that keeps its rows, goes on where it stopped, and writes a page."""

import math
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def resumable(results: str, jobs: int) -> Callable[[Command], Command]:
    """Give a command the options of one that resumes.

    Args:
        results: the folder where its rows are by default.
        jobs: processes at a time by default.
    """
    path = click.Path(path_type=Path)
    options = (
        click.option(
            "--results",
            type=path,
            default=Path(results),
            show_default=True,
            help="Where rows are kept; what is there is not run again.",
        ),
        click.option(
            "--budget-minutes", type=float, default=math.inf, help="Stop after so many minutes."
        ),
        click.option(
            "--jobs", type=int, default=jobs, show_default=True, help="Processes at a time."
        ),
        click.option("--out", type=path, default=Path("docs"), help="Of the page."),
        click.option("--any-code", is_flag=True, help="Keep rows that other code gave."),
        click.option("--page/--no-page", default=True, help="Whether to write the page."),
    )
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)
