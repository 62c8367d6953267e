"""``genprobe new-model``: the file of a factory, to be made one's own."""

import shlex
from pathlib import Path

import click

from genprobe.cli import completion
from genprobe.cli.declare import command, option
from genprobe.escape import escape


@command("new-model", short_help="Begin a factory for a checkpoint of yours.")
@click.argument("path", default="mymodel.py", type=click.Path(path_type=Path))
@option(
    "--for",
    "checkpoint",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    group="Model",
    help="Read the layers off its weights. Default: a small network to edit.",
    shell_complete=completion.FILES,
)
def new_model(path: Path, checkpoint: Path | None) -> None:
    """Write PATH, by default mymodel.py: a function that builds your model.

    \b
    genprobe new-model
    genprobe new-model mymodel.py --for weights.pt

    genprobe loads the weights of a checkpoint into what the function builds. A
    file that is there is never replaced.
    """  # noqa: D301
    from genprobe.scaffold.factory_file import begin_factory

    begin_factory(path, checkpoint)
    place = path if path.parent != Path() else path.stem
    weights = "weights.pt" if checkpoint is None else str(checkpoint)
    words = ["genprobe", "evaluate", weights, "--factory", f"{place}:build", "--data", "DATA"]
    click.echo(escape(f"Wrote {path}. Make it yours, then: {shlex.join(words)}"), err=True)
