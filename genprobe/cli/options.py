"""Options that several commands share."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genprobe.errors import GenprobeError, UsageError

if TYPE_CHECKING:
    from genprobe.analysis.regimes import Cuts

Command = Callable[..., Any]

unit = click.option(
    "--unit",
    type=click.Choice(["nats", "bits", "bits/dim"]),
    default="nats",
    show_default=True,
    help="Unit of the tables; JSON is always in nats.",
)
markdown = click.option("--markdown", is_flag=True, help="Print Markdown instead of a table.")
latex = click.option("--latex", is_flag=True, help="Print LaTeX (booktabs) instead of a table.")
details = click.option(
    "--details", is_flag=True, help="Every row, with both errors, reasons and remedies."
)
renderer = click.option(
    "--format", "renderer", metavar="NAME", help="Print with this renderer; see genprobe plugins."
)
regime_cuts = click.option(
    "--regime-cuts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Thresholds of the regimes, a TOML file of NAME = NUMBER.",
)
json_path = click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path),
    help="Also write the report, or the comparison, as JSON here.",
)
csv_path = click.option(
    "--csv",
    "csv_path",
    type=click.Path(path_type=Path),
    help="Also write a CSV file here: a row a model, in nats.",
)
sort = click.option(
    "--sort",
    metavar="NAME",
    help="Order models by name or an estimate: rate, slope, ... Default: the best ELBO first.",
)
against = click.option(
    "--against", metavar="MODEL", help="Test differences from it. Default: the best ELBO."
)
side_by_side = click.option(
    "--side-by-side", is_flag=True, help="Show models of different data; nothing is shared."
)
plot = click.option(
    "--plot",
    "plot_path",
    type=click.Path(path_type=Path),
    help="Also draw the rate-distortion plane here: .png, .svg or .pdf.",
)
plot_width = click.option(
    "--plot-width",
    type=click.FloatRange(min=2.5),
    default=6.9,
    show_default=True,
    metavar="INCHES",
    help="Width of the plot; 3.3 is a single column.",
)
plane = click.option(
    "--plane/--no-plane",
    default=None,
    help="Print the plane in characters. Default: on a terminal of 110 columns.",
)
html_path = click.option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path),
    help="Also write one HTML page here: tables, plane, pictures.",
)
entropy = click.option(
    "--entropy", type=float, metavar="NATS", help="An upper bound on the entropy of the data."
)
bin_width = click.option(
    "--bin-width", type=float, metavar="W", help="Bin width of quantised data under a density."
)
tolerance = click.option(
    "--tolerance",
    type=float,
    default=0.01,
    show_default=True,
    metavar="NATS",
    help="Monte Carlo standard error wanted for I(n;z).",
)
max_queries = click.option(
    "--max-queries", type=int, metavar="M", help="Most queries of the aggregate posterior."
)
prior = click.option("--prior", metavar="NAME", help="Another prior than the model's.")
binarize = click.option(
    "--binarize",
    type=click.Choice(["none", "threshold", "stochastic"]),
    help="Make data in [0, 1] binary. Default: as a bundle was trained, else none.",
)
byte_values = click.option(
    "--bytes",
    type=click.Choice(["pixels", "counts"]),
    help="How uint8 data are meant: divided by 255, or as they are. "
    "Default: pixels, unless all are 0 or 1 or the likelihood is of whole numbers.",
)
input_key = click.option(
    "--input-key", metavar="KEY", help="Under which key the data have the input."
)


def parse_covariates(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> dict[str, str] | None:
    """``y=labels.npy`` to a path by name; None if there is none."""
    found = {}
    for given in value:
        name, equals, source = given.partition("=")
        if not (name and equals and source):
            raise click.BadParameter(f"give NAME=SOURCE, such as y=labels.npy, not {given!r}")
        found[name] = source
    return found or None


covariates = click.option(
    "--covariates",
    multiple=True,
    callback=parse_covariates,
    metavar="NAME=SOURCE",
    help="What comes with the data, such as y=labels.npy; may be repeated.",
)


def parse_widths(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """``256,256`` to (256, 256)."""
    try:
        return tuple(int(width) for width in value.split(","))
    except ValueError:
        raise click.BadParameter("give widths such as 256,256") from None


TRAINING = (
    click.option(
        "--data", default="digits", show_default=True, metavar="D", help="What to train on."
    ),
    click.option("--split", metavar="S", help="Split of a named data set."),
    click.option(
        "--binarize",
        type=click.Choice(["none", "threshold", "stochastic"]),
        default="none",
        show_default=True,
    ),
    click.option("--latent", type=int, default=10, show_default=True, help="Size of z."),
    click.option(
        "--hidden",
        default="256,256",
        show_default=True,
        callback=parse_widths,
        help="Widths of the hidden layers.",
    ),
    click.option(
        "--activation",
        default="relu",
        show_default=True,
        help="relu, tanh, softplus, silu, gelu or elu.",
    ),
    click.option(
        "--prior",
        default="standard-normal",
        show_default=True,
        help="standard-normal or diagonal-normal (learned).",
    ),
    click.option(
        "--likelihood", default="bernoulli", show_default=True, help="bernoulli or normal."
    ),
    click.option("--scale", type=float, help="Scale of the normal likelihood. Default: predicted."),
    click.option("--batch-size", type=int, default=128, show_default=True),
    click.option("--learning-rate", type=float, default=1e-3, show_default=True),
    click.option("--seed", type=int, default=0, show_default=True),
)
"""What to train on, which network and how, but for β and how long."""


def training(command: Command) -> Command:
    """The options of every command that trains the reference network."""
    for option in reversed(TRAINING):
        command = option(command)
    return command


def read_regime_cuts(path: Path | None) -> "Cuts":
    """The cuts in a file, or the default ones."""
    from genprobe.analysis.regimes import DEFAULT_CUTS, read_cuts

    return DEFAULT_CUTS if path is None else read_cuts(path)


@contextlib.contextmanager
def as_usage_error() -> Iterator[None]:
    """Make a fault one of the command line.

    Raises:
        UsageError: in the words of the fault.
    """
    try:
        yield
    except GenprobeError as error:
        raise UsageError(error.what, error.remedy) from error
