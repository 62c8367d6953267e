"""The result files of a command: what kinds there are, and that none is an input or another."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genprobe.errors import UsageError

if TYPE_CHECKING:
    from genprobe.runtime.output_file import ResultKind

RESULTS = {
    "json_path": "data.json:JSON",
    "csv_path": "data.csv:CSV",
    "html_path": "page.html:PAGE",
    "plot_path": "figure.figure_file:FIGURE",
}
"""Where in ``genprobe.render`` a kind of result file says what it is, by fields of ``Output``."""

SIDECARS = ("", ".report.json")
"""Endings of what a command reads or writes with a file: the report of a store lies next to it."""


def result_kind(name: str) -> "ResultKind":
    """The kind of file whose path a field of ``Output`` has."""
    place, _, kind = RESULTS[name].partition(":")
    found: ResultKind = getattr(import_module(f"genprobe.render.{place}"), kind)
    return found


def require_apart(outputs: Mapping[str, Path | None]) -> None:
    """Check that no result of the present command is a file that it is given otherwise.

    Args:
        outputs: paths by the names of their parameters.

    Raises:
        UsageError: naming the two options.
    """
    from genprobe.runtime.output_file import paths_named, plain_target, same_file

    context = click.get_current_context(silent=True)
    if context is None:
        return
    flags = {p.name: p.opts[0] if isinstance(p, click.Option) else "" for p in named_files(context)}
    files = {name: list(paths_named(context.params.get(name))) for name in flags}
    for name, output in outputs.items():
        if output is None or plain_target(output) is not None:
            continue
        for other, paths in files.items():
            every = (Path(f"{path}{ending}") for path in paths for ending in SIDECARS)
            if other != name and any(same_file(output, path) for path in every):
                what = f"the file of {flags[other]}" if flags[other] else "an input of this command"
                raise UsageError(f"{flags[name]} {output} is also {what}.", "Choose another path.")


def named_files(context: click.Context) -> list[click.Parameter]:
    """The parameters of a command that may name a file."""
    return [p for p in context.command.params if not isinstance(p.type, click.Choice) and p.name]
