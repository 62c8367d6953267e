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
    "json_path": "render.data.json:JSON",
    "csv_path": "render.data.csv:CSV",
    "html_path": "render.page.html:PAGE",
    "card_path": "render.text.card:CARD",
    "plot_path": "render.figure.figure_file:FIGURE",
    "write_prior": "loaders.prior_file:PRIOR",
}
"""Where in ``genprobe`` a kind of result file says what it is, by fields of ``Output``."""

SIDECARS = ("", ".report.json")
"""Endings of what a command reads or writes with a file: the report of a store lies next to it."""


STANDARD_OUTPUT = Path("-")
"""The path that stands for standard output, for JSON only."""

SUFFIXES = {
    "json_path": (".json", ".txt"),
    "csv_path": (".csv", ".txt"),
    "html_path": (".html", ".htm"),
    "card_path": (".md", ".markdown"),
    "plot_path": (".png", ".svg", ".pdf"),
    "write_prior": (".npz",),
    "store": (".h5", ".hdf5"),
    "out": (".pt", ".pth", ".ckpt"),
}
"""How the result files of each option may end; they may also end in what no other kind ends in."""

FOREIGN = {
    *(".npy", ".safetensors", ".pt2", ".bin", ".pkl", ".parquet", ".tsv", ".h5ad", ".idx"),
    *(".gz", ".zip", ".tar", ".tex", ".py", ".ipynb", ".toml", ".yaml", ".yml", ".xml"),
    *(".jpg", ".jpeg", ".gif", ".webp", ".eps"),
}
"""Endings of what genprobe never writes."""


def require_suffixes(outputs: Mapping[str, Path | None]) -> None:
    """Check that no result has the name of another kind of file: such is a slip of the keyboard.

    Args:
        outputs: paths by the names of their parameters.

    Raises:
        UsageError: naming the option, and the one that was perhaps meant.
    """
    from genprobe.runtime.output_file import plain_target

    for name, path in outputs.items():
        # A plot says itself what it can be.
        if path is None or name == "plot_path" or plain_target(path) is not None:
            continue
        flag, own, suffix = flag_of(name), SUFFIXES[name], path.suffix.lower()
        if path == STANDARD_OUTPUT:
            raise UsageError(f"{flag} - : only --json writes to standard output.", "Name a file.")
        others = [flag_of(k) for k, v in SUFFIXES.items() if suffix in v]
        if suffix not in own and (others or suffix in FOREIGN):
            meant = [option for option in others if option != "--out"]
            hint = f" {path} would be written by {' or '.join(meant)}." if meant else ""
            raise UsageError(
                f"{flag} {path}: a file of another kind ends in {suffix}.",
                f"End it in {' or '.join(own)}.{hint}",
            )


def flag_of(name: str) -> str:
    """The option of a field of ``Output``."""
    return f"--{name.removesuffix('_path').replace('_', '-')}"


def result_kind(name: str) -> "ResultKind":
    """The kind of file whose path a field of ``Output`` has."""
    place, _, kind = RESULTS[name].partition(":")
    found: ResultKind = getattr(import_module(f"genprobe.{place}"), kind)
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
