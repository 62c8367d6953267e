"""What the commands print: results to standard output, everything else to standard error."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genprobe.cli import options
from genprobe.cli.command_line import command_line
from genprobe.cli.json_text import print_json
from genprobe.cli.options import Command
from genprobe.cli.renderer import rendered, require_renderer
from genprobe.cli.result_files import (
    RESULTS,
    STANDARD_OUTPUT,
    require_apart,
    require_suffixes,
    result_kind,
)
from genprobe.cli.terminal import print_view, table_width, terminal_width
from genprobe.errors import GenprobeError, UsageError
from genprobe.escape import escape

if TYPE_CHECKING:
    from genprobe.comparing.comparison import Comparison
    from genprobe.report import Report


PLANE_COLUMNS = 110
"""Columns of a terminal from which the plane is printed without being asked for."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a command shows its results, and where else it writes them; see ``options.output``.

    Attributes:
        unit: ``nats``, ``bits`` or ``bits/dim``.
        markdown: whether tables are printed as Markdown.
        latex: whether they are printed as LaTeX.
        details: whether tables have every row.
        renderer: name of what prints a report instead.
        json_path: of a report or comparison, if any.
        csv_path: of a row a model, if any.
        html_path: of a page, if any.
        card_path: of a model card, if any.
        plot_path: of the rate-distortion plane, if any.
        plot_width: of that, inches.
        write_prior: where the best fitted prior goes, if anywhere.
        plane: whether to print the plane in characters; None leaves it to the terminal.
        faults: what could not be written so far.
    """

    unit: str = "nats"
    markdown: bool = False
    latex: bool = False
    details: bool = False
    renderer: str | None = None
    json_path: Path | None = None
    csv_path: Path | None = None
    html_path: Path | None = None
    card_path: Path | None = None
    plot_path: Path | None = None
    plot_width: float = 6.9
    write_prior: Path | None = None
    plane: bool | None = None
    faults: list[GenprobeError] = field(default_factory=list)

    def require_possible(self, store: Path | None = None) -> None:
        """Check that all can be printed and written before hours are spent on its content.

        Args:
            store: that the command writes besides, if any.

        Raises:
            GenprobeError: naming the first that cannot.
        """
        self.require_one_format()
        if self.renderer is not None:
            require_renderer(self.renderer, self.unit)
        require_apart({"store": store, **self.paths})
        require_suffixes({"store": store, **self.paths})
        if self.plot_path is not None:
            from genprobe.render.figure.figure_file import require_format

            with options.as_usage_error():
                require_format(self.plot_path)
        from genprobe.runtime.output_file import require_writable

        for name, path in self.paths.items():
            require_writable(path, result_kind(name))

    @property
    def paths(self) -> dict[str, Path]:
        """The result files asked for, by field."""
        named = {name: getattr(self, name) for name in RESULTS}
        printed = {"json_path"} if self.only_json else set()
        return {k: v for k, v in named.items() if v is not None and k not in printed}

    @contextlib.contextmanager
    def spared(self) -> Iterator[None]:
        """Let a result that cannot be written cost no other; the command fails at its end."""
        try:
            yield
        except GenprobeError as error:
            click.echo(f"Error: {error}", err=True)
            self.faults.append(error)

    def require_written(self) -> None:
        """End the command with exit code 1 if a result could not be written."""
        if self.faults:
            sys.exit(1)

    @property
    def formats(self) -> tuple[str, ...]:
        """Every option that says what is printed instead of tables."""
        asked = {"--format": self.renderer, "--latex": self.latex, "--markdown": self.markdown}
        return tuple(option for option, value in asked.items() if value)

    def require_one_format(self) -> None:
        """Check that standard output is asked to be one thing.

        Raises:
            UsageError: if it would be two.
        """
        asked = [*self.formats, *(["--plane"] if self.plane else [])]
        if self.only_json:
            asked = ["--json -", *asked]
        if (self.formats or self.only_json) and len(asked) > 1:
            raise UsageError(
                f"{asked[0]} and {asked[1]} both say what to print.",
                f"Leave one out; {asked[0]} prints nothing else.",
            )

    @property
    def only_json(self) -> bool:
        """Whether standard output gets the JSON, and so nothing else."""
        return self.json_path == STANDARD_OUTPUT

    def print_report(self, report: "Report", source: str = "") -> None:
        """Print one report: as a table, as LaTeX or Markdown, or by the renderer named.

        Args:
            report: of one model.
            source: which of several it is, named above its table; several may have one name.
        """
        if self.only_json:
            return
        if self.renderer is not None:
            click.echo(rendered(report, self.renderer, self.unit), nl=False)
        elif self.latex:
            from genprobe.render.text.latex import to_latex

            click.echo(to_latex(report, self.unit, self.details), nl=False)
        elif self.markdown:
            from genprobe.render.text.markdown import to_markdown

            click.echo(to_markdown(report, self.unit, self.details))
        else:
            from genprobe.render.text.screen import report_screen
            from genprobe.render.text.table import report_view

            if source:
                click.echo(escape(source))
            view = (report_view if self.details else report_screen)(report, self.unit)
            print_view(view, table_width())

    def print_comparison(self, comparison: "Comparison") -> None:
        """Print several reports as one table: plain, or as LaTeX or Markdown.

        A renderer prints reports and nothing else, so with one nothing is printed.

        Args:
            comparison: of the models. With details their own warnings were printed before.
        """
        warnings = not self.details
        if self.renderer is not None or self.only_json:
            return
        if self.latex:
            from genprobe.render.text.latex import comparison_to_latex

            click.echo(comparison_to_latex(comparison, self.unit, warnings), nl=False)
        elif self.markdown:
            from genprobe.render.text.markdown import comparison_to_markdown

            click.echo(comparison_to_markdown(comparison, self.unit, warnings))
        else:
            from genprobe.render.text.comparison import comparison_view

            width = table_width()
            view = comparison_view(comparison, self.unit, warnings, self.details, width)
            print_view(view, width)

    def print_plane(self, comparison: "Comparison") -> None:
        """Print the plane in characters, where asked for or of several on a wide terminal.

        Args:
            comparison: of one model or several.
        """
        width = terminal_width()
        if self.formats or self.only_json:
            return
        wide = self.plane is None and width >= PLANE_COLUMNS
        if self.plane or (wide and len(comparison.reports) > 1):
            from genprobe.render.text.plane import WIDTH, plane_to_text

            columns = WIDTH if width < PLANE_COLUMNS else PLANE_COLUMNS
            text = plane_to_text(comparison, self.unit, columns)
            click.echo(f"\n{text}" if text else "", nl=False)

    def write_report(self, report: "Report") -> None:
        """Write one report as JSON, and its fitted prior, if asked to."""
        if self.json_path is not None:
            self.write("json_path", report.to_json())
        if self.write_prior is not None:
            from genprobe.analysis.refitted_prior import fit_prior
            from genprobe.loaders.prior_file import write_prior

            write_prior(fit_prior(report), self.write_prior)

    def write_comparison(self, comparison: "Comparison") -> None:
        """Write several reports as JSON, if asked to."""
        if self.json_path is not None:
            from genprobe.render.data.json import dumps

            self.write("json_path", dumps(comparison))

    def write_csv(self, comparison: "Comparison") -> None:
        """Write a row a model, if asked to."""
        if self.csv_path is not None:
            from genprobe.render.data.csv import to_csv

            self.write("csv_path", to_csv(comparison))

    def write_plot(self, comparison: "Comparison") -> None:
        """Draw some models, if asked to; one model is a comparison of one."""
        if self.plot_path is not None:
            from genprobe.render.figure.plane import save_plane

            save_plane(comparison, self.plot_path, self.unit, self.plot_width)

    def write_html(self, comparison: "Comparison") -> None:
        """Write a page about some models, if asked to; one model is a comparison of one."""
        if self.html_path is not None:
            from genprobe.render.page.html import to_html

            page = to_html(comparison, self.unit, command_line() or None)
            size = self.write("html_path", page) / 1e6
            say(f"Wrote the page: {self.html_path}, {size:.1f} MB (open it in a browser)")

    def write_card(self, report: "Report") -> None:
        """Write the model card of a tokenizer, if asked to."""
        if self.card_path is not None:
            from genprobe.render.text.card import to_card

            self.write("card_path", to_card(report))
            say(f"Wrote the card: {self.card_path}")

    def write(self, name: str, text: str) -> int:
        """Write a result file; returns its size in bytes.

        Args:
            name: of the field that has its path.
            text: of the file; half of a character, as an odd file name may have, is spelt out.
        """
        from genprobe.runtime.output_file import write_result

        content = bytes(text, "utf-8", "backslashreplace")
        if name == "json_path" and self.only_json:
            print_json(text)
        else:
            write_result(getattr(self, name), content, result_kind(name))
        return len(content)

    @property
    def draws(self) -> bool:
        """Whether more is asked for of one model than tables and JSON."""
        return bool(self.plane or self.csv_path or self.plot_path or self.html_path)

    def finish(self, comparison: "Comparison") -> None:
        """All that is shown or written of one model or several but tables and JSON."""
        self.print_plane(comparison)
        for write in (self.write_csv, self.write_plot, self.write_html):
            with self.spared():
                write(comparison)


def say(text: str) -> None:
    """Where a result is, unless nothing but results is wanted."""
    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        click.echo(escape(text), err=True)


OUTPUT = {
    "unit": options.unit,
    "json_path": options.json_path,
    "csv_path": options.csv_path,
    "html_path": options.html_path,
    "markdown": options.markdown,
    "latex": options.latex,
    "details": options.details,
    "renderer": options.renderer,
    "plot_path": options.plot,
    "plot_width": options.plot_width,
    "write_prior": options.write_prior,
    "plane": options.plane,
}
"""How results are shown and where they go, by the fields of ``Output``."""


def output_options(*left_out: str) -> Callable[[Command], Command]:
    """The options of a command's output, which it gets as one ``output``.

    Args:
        left_out: fields that make no sense for the command.
    """
    chosen = {name: option for name, option in OUTPUT.items() if name not in left_out}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathered(*arguments: Any, **settings: Any) -> Any:
            taken = {name: settings.pop(name) for name in chosen}
            return command(*arguments, output=Output(**taken), **settings)

        return functools.reduce(lambda c, option: option(c), reversed(chosen.values()), gathered)

    return decorate
