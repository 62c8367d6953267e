"""What is laid out only when the number of columns is known, for rich to print."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult


@dataclass(frozen=True)
class AtWidth:
    """Something rich can print whose lines depend on the columns there are.

    Args:
        lay_out: from a console and its columns to what it prints.
    """

    lay_out: Callable[[Console, int], Iterable[RenderableType]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lay_out(console, options.max_width)
