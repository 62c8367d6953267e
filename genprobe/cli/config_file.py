"""``--config FILE``: the options of a command from a TOML file; what is typed comes before it.

device = "cpu"                a long option by its name: of every command that has it
[evaluate]
data = "digits"               of this command alone, before those at the top
covariates = ["y=labels.npy"] what may be repeated
plane = false                 --no-plane
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from genprobe.errors import UsageError, reason_of
from genprobe.runtime.near_names import hint


def config_option() -> click.Option:
    """The option ``--config`` of a command."""
    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=read_config,
        help="Further options, a TOML file of NAME = VALUE. What is typed wins.",
    )


def read_config(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    """Take the options of a command from a file, for those that are not typed.

    Raises:
        UsageError: if it does not read, or an option in it is none or cannot be had so.
    """
    if path is None or context.resilient_parsing:
        return
    content = read_toml(path)
    commands = every_command(context)
    tables = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    shared = {key: value for key, value in content.items() if key not in tables}
    for key in tables:
        require_known(key, commands, "command", path)
    known = {key for each in commands.values() for key in long_options(each)}
    for key in shared:
        require_known(key, {*known, *commands}, "option", path)
    own = long_options(context.command)
    mine = tables.get(context.info_name or "", {})
    for key in mine:
        require_known(key, own, f"option of {context.info_name}", path)
    found = {**{key: value for key, value in shared.items() if key in own}, **mine}
    if found.get("trust"):
        raise UsageError(
            f"--config {path}: trust is not taken from a file; code might run unmeant.",
            "Type --trust.",
        )
    chosen = dict(as_typed(context, own[key], key, found[key], path) for key in found)
    context.default_map = {**(context.default_map or {}), **chosen}


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        UsageError: if it does not read.
    """
    import tomllib  # not at the top: few commands have a file of options

    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UsageError(f"--config {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(
            f"--config {path} is no TOML: {reason_of(error)}.",
            'Write a line an option, such as data = "digits", and a table [evaluate].',
        ) from error


def every_command(context: click.Context) -> dict[str, click.Command]:
    """Every command of the program by its name."""
    root = context.find_root()
    if not isinstance(root.command, click.Group):
        return {context.info_name or "": context.command}
    found = {
        name: root.command.get_command(root, name) for name in root.command.list_commands(root)
    }
    return {name: command for name, command in found.items() if command is not None}


def long_options(command: click.Command) -> dict[str, click.Option]:
    """The options of a command by the long names that a file may have, but for ``config``."""
    return {
        name.removeprefix("--"): option
        for option in command.params
        if isinstance(option, click.Option) and option.opts != ["--config"]
        for name in (*option.opts, *option.secondary_opts)
        if name.startswith("--")
    }


def require_known(key: str, known: Collection[str], kind: str, path: Path) -> None:
    """Check that there is something of that name.

    Raises:
        UsageError: naming the nearest there is.
    """
    if key not in known:
        meant = hint(key, known)
        several = ", ".join(sorted(known)) if len(known) < 12 else "see --help for all"
        raise UsageError(
            f"--config {path}: there is no {kind} {key!r}.",
            meant.rstrip() or f"There are: {several}.",
        )


def as_typed(
    context: click.Context, option: click.Option, key: str, value: Any, path: Path
) -> tuple[str, Any]:
    """The name of a parameter, and its value as if it had been typed.

    Args:
        context: of the command.
        option: whose parameter it is.
        key: in the file.
        value: in the file.
        path: of the file.

    Raises:
        UsageError: if the option cannot have it.
    """
    name = option.name
    if option.is_flag:
        if not isinstance(value, bool):
            raise UsageError(f"--config {path}: {key} is true or false, not {value!r}.")
        return name, value != (f"--{key}" in option.secondary_opts)
    values = value if isinstance(value, list) and option.multiple else [value]
    if not all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in values):
        wanted = "texts or numbers" if option.multiple else "one text or number"
        raise UsageError(f"--config {path}: {key} takes {wanted}, not {value!r}.")
    typed: Any = [str(v) for v in values] if option.multiple else str(value)
    try:
        option.type_cast_value(context, typed)
    except click.BadParameter as error:
        raise UsageError(f"--config {path}: {key}: {error.message}") from error
    return name, typed
