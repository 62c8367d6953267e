"""``genprobe new-plugin``: a plugin that installs and passes its tests, to be made one's own."""

from pathlib import Path
from typing import cast

import click

from genprobe.scaffold import PLUGIN_KINDS


@click.command("new-plugin", short_help="Begin a plugin of your own.")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(PLUGIN_KINDS)),
    required=True,
    metavar="KIND",
    help=f"What it provides: {', '.join(PLUGIN_KINDS)}.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where its folder goes; by default here.",
)
def new_plugin(name: str, kind: str, into: Path) -> None:
    """Write the folder genprobe-NAME: a plugin that installs and passes its tests.

    It works as it is. One file holds the part; make it your own.
    """
    from genprobe.scaffold import begin_plugin

    root = click.get_current_context().find_root()
    commands = cast("click.Group", root.command).list_commands(root)
    folder = begin_plugin(name, kind, into, commands)
    module = folder.name.replace("-", "_")
    click.echo(f"Wrote {folder}. The {kind} is in {module}/{kind}.py: make it your own.", err=True)
    click.echo(
        f"Install and test it:  pip install -e '{folder}[test]' && pytest {folder}", err=True
    )
