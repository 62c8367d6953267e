"""``genprobe plugins``: every part with who provides it, and every plugin that does not work."""

import click


@click.command(short_help="List every part, its plugin, and failures.")
def plugins() -> None:
    """List every part with its owner and version, and every failure."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from genprobe.cli.terminal import print_view
    from genprobe.escape import escape
    from genprobe.plugins import KINDS
    from genprobe.plugins import plugins as find
    from genprobe.plugins.manager import duplicates

    found = find()
    table = Table(box=None, padding=(0, 2), pad_edge=False, header_style="bold")
    for heading in ("kind", "name", "plugin", "version"):
        table.add_column(heading)
    for kind in KINDS:
        for part in found.parts(kind):
            row = (kind, part.name, part.owner, found.versions[part.owner])
            table.add_row(*map(Text, row))
    problems = [f"{f.owner} {f.version}: {f.reason}" for f in found.failures] + duplicates(found)
    lines = [Text(escape(f"! {problem}"), style="yellow") for problem in problems]
    print_view(Group(table, *([Text(""), *lines] if lines else [])))
