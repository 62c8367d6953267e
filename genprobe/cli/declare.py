"""How commands and their options are declared: what click lacks for genprobe's own."""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from genprobe.cli.config_file import config_option

GROUPS = ("Data", "Model", "Training", "Estimates", "Inference", "Output", "Advanced")
"""The headings of options in the help of a command, in this order."""


class WholeNumber(click.types.IntParamType):
    """A whole number, which may be written as ``1e3``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number.

        Raises:
            BadParameter: if it is none, or not whole.
        """
        text: Any = str(value)
        if set(text.lower()) & {".", "e"}:
            with contextlib.suppress(ValueError):
                number = float(text)
                text = str(int(number)) if number.is_integer() else text
        found: int = super().convert(text, param, ctx)
        return found


WHOLE = WholeNumber()


class Option(click.Option):
    """An option of a command.

    Args:
        declarations: its names, the long one first.
        group: the heading it stands under in the help; see ``GROUPS``.
        formerly: names it once had, which work as before and are not shown.
        settings: of click's options.
    """

    def __init__(
        self,
        declarations: Sequence[str],
        *,
        group: str = GROUPS[-1],
        formerly: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(declarations, **settings)
        self.group, self.formerly = group, list(formerly)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let a parser know the option by every name."""
        super().add_to_parser(parser, ctx)
        if self.formerly:
            parser.add_option(obj=self, opts=self.formerly, dest=self.name, nargs=self.nargs)


class Command(click.Command):
    """A command whose help has its options under headings, and that reads them from a file too."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params.append(config_option())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings."""
        records: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                records.setdefault(getattr(parameter, "group", GROUPS[-1]), []).append(record)
        for group in GROUPS:
            if group in records:
                with formatter.section(group if len(records) > 1 else "Options"):
                    formatter.write_dl(records[group])


option: Callable[..., Callable[..., Any]] = partial(click.option, cls=Option)
"""Declares an ``Option`` of a command."""
command: Callable[..., Callable[..., Any]] = partial(click.command, cls=Command)
"""Declares a ``Command``."""
