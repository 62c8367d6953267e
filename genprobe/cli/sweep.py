"""``genprobe sweep``: the rate-distortion curve of the reference network."""

from pathlib import Path
from typing import Any

import click

from genprobe.cli import completion, options
from genprobe.cli.declare import WHOLE, command, option
from genprobe.cli.interrupt import describe_kept_sweep, resumable
from genprobe.cli.log import show_progress
from genprobe.errors import GenprobeError
from genprobe.escape import escape


def parse_grid(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    """``0.1:8:log9`` to nine values."""
    from genprobe.runs.betas import parse_betas

    try:
        return parse_betas(value)
    except GenprobeError as error:
        raise click.BadParameter(str(error).replace("\n", " ")) from None


@command(short_help="Train at many β and draw the curve.")
@options.training
@option(
    "--held-out",
    metavar="D2",
    help="Other data to evaluate on besides.",
    group="Data",
    shell_complete=completion.DATA,
)
@option("--held-out-split", metavar="S2", help="Split to evaluate on besides.", group="Data")
@option(
    "--betas",
    default="0.1:8:log9",
    show_default=True,
    metavar="GRID",
    callback=parse_grid,
    help="LOW:HIGH:logN, LOW:HIGH:linN or values such as 0.25,1,4.",
    group="Training",
)
@option(
    "--out",
    "-o",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="sweep",
    show_default=True,
    help="Folder for bundles, stores and the figure; the same command resumes from it.",
    group="Output",
)
@option(
    "--first-epochs",
    type=WHOLE,
    default=100,
    show_default=True,
    help="Epochs of the model whose weights all others begin with.",
    group="Training",
)
@option(
    "--epochs",
    type=WHOLE,
    default=100,
    show_default=True,
    help="Epochs at each β.",
    group="Training",
)
@option(
    "--draws",
    type=WHOLE,
    default=1,
    show_default=True,
    help="Posterior draws per example.",
    group="Estimates",
)
@options.tolerance
@options.labels
@options.held_out_labels
@options.leaks
@option(
    "--jobs",
    type=WHOLE,
    default=1,
    show_default=True,
    help="Models at once, one thread each.",
    group="Training",
)
@options.unit
@options.markdown
@option("--quiet", is_flag=True, help="No progress and no log.", group="Output")
@resumable(describe_kept_sweep)
def sweep(
    folder: Path,
    unit: str,
    markdown: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    r"""Train a small VAE at each β, evaluate all, and draw their curve.

    \b
    genprobe sweep --split train --held-out-split test --binarize threshold
    genprobe sweep --data a.npy --held-out b.npy --betas 0.25:4:log5 --jobs 4
    """
    from genprobe.cli.output import Output
    from genprobe.cli.terminal import print_view
    from genprobe.render.figure.curve import save_curve
    from genprobe.render.figure.figure_file import FIGURE
    from genprobe.render.text.curve import curve_test_view
    from genprobe.runs.sweep import sweep as run
    from genprobe.runtime.output_file import require_writable

    if not quiet:
        show_progress()
    output, figure = Output(unit=unit, markdown=markdown), folder / "curve.png"
    if folder.is_dir():
        require_writable(figure, FIGURE)
    found = run(folder=folder, progress=not quiet, **settings)
    for side in found.sides:
        output.print_comparison(found.comparison(side))
        click.echo()
        print_view(curve_test_view(found.curve_test(side), side))
        click.echo()
    save_curve(found, figure, unit)
    click.echo(escape(f"Drew {figure}."), err=True)
