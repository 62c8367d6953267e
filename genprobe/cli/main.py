"""The group of commands, and what happens to errors: one or two lines, exit 1 or 2."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from genprobe._version import __version__
from genprobe.cli.command_line import record_command_line
from genprobe.cli.interrupt import lasting_interrupts
from genprobe.cli.log import show_warnings
from genprobe.cli.streams import lasting_streams
from genprobe.errors import GenprobeError, OtherRankError, PluginError, UsageError, reason_of
from genprobe.escape import escape

COMMANDS = (
    "evaluate",
    "compare",
    "show",
    "card",
    "train",
    "sweep",
    "demo",
    "validate",
    "plugins",
    "new_model",
    "new_plugin",
)
"""The commands of genprobe itself, each in the file of its name."""


COMPLETION = "_GENPROBE_COMPLETE"
"""The environment variable in which a shell asks what it may complete."""


class Cli(click.Group):
    """A group that fills itself from plugins when first asked, and reports faults plainly."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run the program, on streams that cost no work; what a shell is to read is bytes."""
        if COMPLETION in os.environ:
            return super().main(*arguments, **settings)
        with lasting_streams(), lasting_interrupts():
            return super().main(*arguments, **settings)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of a call, which keeps what was typed."""
        typed = list(args)
        context = super().make_context(info_name, args, parent, **extra)
        record_command_line(context, typed)
        return context

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; a file in its place is one to evaluate or show."""
        if args and self.get_command(ctx, args[0]) is None and os.path.exists(args[0]):
            command = "show" if args[0].endswith((".h5", ".hdf5")) else "evaluate"
            ctx.fail(f"No command before {args[0]!r}. Did you mean: genprobe {command} {args[0]}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Commands in the order they were added."""
        self._fill()
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        self._fill()
        return super().get_command(ctx, cmd_name)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command under a name that is still free."""
        if (name or cmd.name) in self.commands:
            raise PluginError(f"There is a command {name or cmd.name!r} already.")
        # click's mark of lines to be left as they are, which a raw docstring spells out.
        cmd.help = (cmd.help or "").replace("\\b\n", "\b\n") or None
        super().add_command(cmd, name)

    def _fill(self) -> None:
        if not self.commands:
            from genprobe.plugins.manager import add_commands

            for name in COMMANDS:
                module = import_module(f"genprobe.cli.{name}")
                self.add_command(getattr(module, name))
            add_commands(self)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a fault of the input is reported in its own words."""
        show_warnings()
        try:
            return super().invoke(ctx)
        except OtherRankError:
            sys.exit(0)  # the rank at fault tells why and fails for all
        except GenprobeError as error:
            if ctx.params["traceback"]:
                raise
            click.echo(f"Error: {error}", err=True)
            sys.exit(2 if isinstance(error, UsageError) else 1)
        except Exception as error:
            from genprobe.plugins.manager import at_fault

            owner = at_fault(error)
            if owner is None or ctx.params["traceback"]:
                raise
            reason = f"{type(error).__name__}: {reason_of(error)}"
            click.echo(escape(f"Error: The plugin {owner} fails: {reason}"), err=True)
            click.echo("Where: genprobe --traceback COMMAND …", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)


@click.group(
    cls=Cli, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80}
)
@click.version_option(__version__, prog_name="genprobe")
@click.option("--traceback", is_flag=True, help="Show where in the program an error arose.")
def main(traceback: bool) -> None:
    """Tell what a latent-variable model's code says, and what it costs.

    Rate, distortion, marginal KL and mutual information of a VAE over a whole
    data set, with error bars, and its place on the rate-distortion plane.

    Start with:  genprobe demo
    """
