"""Options that several commands share."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genprobe.cli import completion
from genprobe.cli.declare import WHOLE, option
from genprobe.errors import GenprobeError, UsageError

if TYPE_CHECKING:
    from genprobe.analysis.regimes import Cuts

Command = Callable[..., Any]

unit = option(
    "--unit",
    type=click.Choice(["nats", "bits", "bits/dim"]),
    default="nats",
    show_default=True,
    help="Unit of the tables; JSON is always in nats.",
    group="Output",
)
markdown = option(
    "--markdown", is_flag=True, help="Print Markdown instead of a table.", group="Output"
)
latex = option(
    "--latex", is_flag=True, help="Print LaTeX (booktabs) instead of a table.", group="Output"
)
details = option(
    "--details",
    is_flag=True,
    help="Every row, with both errors, reasons and remedies.",
    group="Output",
)
renderer = option(
    "--format",
    "renderer",
    metavar="NAME",
    help="Print with this renderer; see genprobe plugins.",
    group="Output",
    shell_complete=completion.RENDERER,
)
regime_cuts = option(
    "--regime-cuts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Thresholds of the regimes, a TOML file of NAME = NUMBER.",
)
json_path = option(
    "--json",
    "-j",
    "json_path",
    type=click.Path(path_type=Path),
    help="Also write the report, or the comparison, as JSON here; - prints it, and nothing else.",
    group="Output",
)
csv_path = option(
    "--csv",
    "csv_path",
    type=click.Path(path_type=Path),
    help="Also write a CSV file here: a row a model, in nats.",
    group="Output",
)
sort = option(
    "--sort",
    metavar="NAME",
    help="Order models by name or an estimate: rate, slope, ... Default: the best ELBO first.",
    group="Output",
    shell_complete=completion.SORT,
)
against = option(
    "--against",
    metavar="MODEL",
    help="Test differences from it. Default: the best ELBO.",
    group="Output",
)
side_by_side = option(
    "--side-by-side",
    is_flag=True,
    help="Show models of different data; nothing is shared.",
    group="Output",
)
plot = option(
    "--plot",
    "plot_path",
    type=click.Path(path_type=Path),
    help="Also draw the rate-distortion plane here: .png, .svg or .pdf.",
    group="Output",
)
plot_width = option(
    "--plot-width",
    type=click.FloatRange(min=2.5),
    default=6.9,
    show_default=True,
    metavar="INCHES",
    help="Width of the plot; 3.3 is a single column.",
    group="Output",
)
plane = option(
    "--plane/--no-plane",
    default=None,
    help="Print the plane in characters. Default: on a terminal of 110 columns.",
    group="Output",
)
html_path = option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path),
    help="Also write one HTML page here: tables, plane, pictures.",
    group="Output",
)
entropy = option(
    "--entropy",
    type=float,
    metavar="NATS",
    help="An upper bound on the entropy of the data.",
    group="Estimates",
)
bin_width = option(
    "--bin-width",
    type=float,
    metavar="W",
    help="Bin width of quantised data under a density.",
    group="Estimates",
)
tolerance = option(
    "--tolerance",
    type=float,
    default=0.01,
    show_default=True,
    metavar="NATS",
    help="Monte Carlo standard error wanted for I(n;z); for the ELBO of a diffusion model bits a "
    "value, or a share of R.",
    group="Estimates",
)
max_queries = option(
    "--max-queries", type=WHOLE, metavar="M", help="Most queries of the aggregate posterior."
)
prior = option(
    "--prior",
    metavar="NAME",
    help="Another prior than the model's: a name, or FILE.npz of --write-prior.",
    group="Model",
    shell_complete=completion.PRIOR,
)
write_prior = option(
    "--write-prior",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the best prior fitted to these codes here (.npz), for --prior.",
    group="Output",
)
binarize = option(
    "--binarize",
    type=click.Choice(["none", "threshold", "stochastic"]),
    help="Make data in [0, 1] binary. Default: as a bundle was trained, else none.",
    group="Data",
)
byte_values = option(
    "--bytes",
    type=click.Choice(["pixels", "counts"]),
    help="How uint8 data are meant: divided by 255, or as they are. "
    "Default: pixels, unless all are 0 or 1 or the likelihood is of whole numbers.",
    group="Data",
)
input_key = option(
    "--input-key", metavar="KEY", help="Under which key the data have the input.", group="Data"
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


covariates = option(
    "--covariates",
    multiple=True,
    callback=parse_covariates,
    metavar="NAME=SOURCE",
    help="What comes with the data, such as y=labels.npy; may be repeated.",
    group="Data",
)


def parse_labels(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> dict[str, str] | None:
    """``digit=labels.npy`` to a source by name; None if there is none."""
    if not value:
        return None
    from genprobe.datasets.labels import parse_label

    found: dict[str, str] = {}
    for given in value:
        with as_usage_error():
            name, source = parse_label(given)
        if found.setdefault(name, source) != source:
            raise click.BadParameter(
                f"two are called {name}: {found[name]} and {source}; name them NAME=SOURCE"
            )
    return found


labels = option(
    "--labels",
    multiple=True,
    callback=parse_labels,
    metavar="[NAME=]SOURCE",
    help="What the code may tell: digit=labels.npy, cells.csv:batch, a covariate; may be repeated.",
    group="Data",
)
held_out_labels = option(
    "--held-out-labels",
    multiple=True,
    callback=parse_labels,
    metavar="[NAME=]SOURCE",
    help="The same of the held-out data.",
    group="Data",
)
leaks = option(
    "--leak",
    "leaks",
    multiple=True,
    callback=parse_labels,
    metavar="NAME",
    help="A label of which the code should know nothing; may be repeated.",
    group="Estimates",
)


def parse_widths(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """``256,256`` to (256, 256)."""
    try:
        return tuple(int(width) for width in value.split(","))
    except ValueError:
        raise click.BadParameter("give widths such as 256,256") from None


TRAINING = (
    option(
        "--data",
        "-d",
        default="digits",
        show_default=True,
        metavar="D",
        help="What to train on.",
        group="Data",
        shell_complete=completion.DATA,
    ),
    option("--split", metavar="S", help="Split of a named data set.", group="Data"),
    option(
        "--binarize",
        type=click.Choice(["none", "threshold", "stochastic"]),
        default="none",
        show_default=True,
        group="Data",
    ),
    option("--latent", type=WHOLE, default=10, show_default=True, help="Size of z.", group="Model"),
    option(
        "--hidden",
        default="256,256",
        show_default=True,
        callback=parse_widths,
        help="Widths of the hidden layers.",
        group="Model",
    ),
    option(
        "--activation",
        default="relu",
        show_default=True,
        help="relu, tanh, softplus, silu, gelu or elu.",
        group="Model",
    ),
    option(
        "--prior",
        default="standard-normal",
        show_default=True,
        help="standard-normal or diagonal-normal (learned).",
        group="Model",
        shell_complete=completion.complete(lambda: ("standard-normal", "diagonal-normal")),
    ),
    option(
        "--likelihood",
        default="bernoulli",
        show_default=True,
        help="bernoulli or normal.",
        group="Model",
        shell_complete=completion.complete(lambda: ("bernoulli", "normal")),
    ),
    option(
        "--scale",
        type=float,
        help="Scale of the normal likelihood. Default: predicted.",
        group="Model",
    ),
    option("--batch-size", type=WHOLE, default=128, show_default=True, group="Training"),
    option("--learning-rate", type=float, default=1e-3, show_default=True, group="Training"),
    option("--seed", type=WHOLE, default=0, show_default=True, group="Training"),
)
"""What to train on, which network and how, but for β and how long."""


def training(command: Command) -> Command:
    """The options of every command that trains the reference network."""
    for declared in reversed(TRAINING):
        command = declared(command)
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
