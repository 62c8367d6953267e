"""How commands and their options are declared: what click lacks for genprobe's own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click


class Option(click.Option):
    """An option of a command.

    Args:
        declarations: its names.
        formerly: names it once had, which work as before and are not shown.
        settings: of click's options.
    """

    def __init__(
        self, declarations: Sequence[str], *, formerly: Sequence[str] = (), **settings: Any
    ) -> None:
        super().__init__(declarations, **settings)
        self.formerly = list(formerly)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let a parser know the option by every name."""
        super().add_to_parser(parser, ctx)
        if self.formerly:
            parser.add_option(obj=self, opts=self.formerly, dest=self.name, nargs=self.nargs)


option: Callable[..., Callable[..., Any]] = partial(click.option, cls=Option)
"""Declares an ``Option`` of a command."""
