"""``genprobe train``: the reference trainer."""

from pathlib import Path

import click

from genprobe.cli import options
from genprobe.cli.declare import WHOLE, command, option
from genprobe.cli.result_files import require_apart, require_suffixes
from genprobe.escape import escape


@command(short_help="Train a small VAE and save it.")
@options.training
@option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    default="model.pt",
    show_default=True,
    help="The bundle to write.",
    group="Output",
)
@option(
    "--beta",
    type=float,
    default=1.0,
    show_default=True,
    help="Weight of the rate: D + βR.",
    group="Training",
)
@option("--epochs", type=WHOLE, default=100, show_default=True, group="Training")
@option("--quiet", is_flag=True, help="No progress.", group="Output")
def train(
    data: str,
    split: str | None,
    binarize: str,
    out: Path,
    quiet: bool,
    seed: int,
    **settings: object,
) -> None:
    """Train a small VAE of fully connected layers and save it as a bundle.

    \b
    genprobe train --binarize threshold --beta 0.5 --out model.pt
    genprobe evaluate model.pt
    """  # noqa: D301
    from genprobe.loaders.bundle import BUNDLE, save
    from genprobe.loaders.open import open_dataset
    from genprobe.runs.train import train as run
    from genprobe.runtime.output_file import require_writable
    from genprobe.runtime.progress import progress_display

    require_apart({"out": out})
    require_suffixes({"out": out})
    require_writable(out, BUNDLE)
    dataset = open_dataset(data, split=split, binarize=binarize, seed=seed)
    with progress_display(not quiet) as progress:
        model = run(
            dataset,
            name=out.stem,
            data=data,
            seed=seed,
            progress=progress,
            **settings,  # type: ignore[arg-type]
        )
    save(model, out)
    shown = escape(str(out))
    click.echo(f"Wrote {shown}. Evaluate it with: genprobe evaluate {shown}", err=True)
