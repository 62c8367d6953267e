"""``genprobe train``: the reference trainer."""

from pathlib import Path

import click

from genprobe.cli import options
from genprobe.errors import GenprobeError


def widths(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """``256,256`` to (256, 256)."""
    try:
        return tuple(int(width) for width in value.split(","))
    except ValueError:
        raise click.BadParameter("give widths such as 256,256") from None


@click.command(short_help="Train a small VAE and save it.")
@click.option("--data", default="digits", show_default=True, metavar="D", help="What to train on.")
@click.option("--split", metavar="S", help="Split of a named data set.")
@click.option(
    "--binarize",
    type=click.Choice(["none", "threshold", "stochastic"]),
    default="none",
    show_default=True,
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="model.pt",
    show_default=True,
    help="The bundle to write.",
)
@click.option(
    "--beta", type=float, default=1.0, show_default=True, help="Weight of the rate: D + βR."
)
@click.option("--latent", type=int, default=10, show_default=True, help="Size of z.")
@click.option(
    "--hidden",
    default="256,256",
    show_default=True,
    callback=widths,
    help="Widths of the hidden layers.",
)
@click.option(
    "--activation",
    default="relu",
    show_default=True,
    help="relu, tanh, softplus, silu, gelu or elu.",
)
@click.option(
    "--prior",
    default="standard-normal",
    show_default=True,
    help="standard-normal or diagonal-normal (learned).",
)
@click.option("--likelihood", default="bernoulli", show_default=True, help="bernoulli or normal.")
@click.option("--scale", type=float, help="Scale of the normal likelihood. Default: predicted.")
@click.option("--epochs", type=int, default=100, show_default=True)
@click.option("--batch-size", type=int, default=128, show_default=True)
@click.option("--learning-rate", type=float, default=1e-3, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--quiet", is_flag=True, help="No progress.")
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
    options.require_writable(out)
    from genprobe.loaders.bundle import save
    from genprobe.loading import open_dataset
    from genprobe.progress import showing
    from genprobe.training import train as run

    dataset = open_dataset(data, split=split, binarize=binarize, seed=seed)
    if split is not None and data != "digits":
        raise GenprobeError(f"{data} has no splits.")
    with showing(not quiet) as progress:
        model = run(
            dataset,
            name=out.stem,
            data=data,
            seed=seed,
            progress=progress,
            **settings,  # type: ignore[arg-type]
        )
    save(model, out)
    click.echo(f"Wrote {out}. Evaluate it with: genprobe evaluate {out}", err=True)
