"""Options that several commands share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genprobe.errors import GenprobeError

if TYPE_CHECKING:
    from genprobe.regimes import Cuts

unit = click.option(
    "--unit",
    type=click.Choice(["nats", "bits", "bits/dim"]),
    default="nats",
    show_default=True,
    help="Unit of the tables; JSON is always in nats.",
)
markdown = click.option("--markdown", is_flag=True, help="Print Markdown instead of a table.")
latex = click.option("--latex", is_flag=True, help="Print LaTeX (booktabs) instead of a table.")
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
    default="rate",
    show_default=True,
    metavar="NAME",
    help="Order models by name or an estimate: elbo, marginal_kl, slope, ...",
)
against = click.option(
    "--against", metavar="MODEL", help="Test differences from it. Default: the best ELBO."
)
side_by_side = click.option(
    "--side-by-side", is_flag=True, help="Show models of different data; nothing is shared."
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


def cuts_from(path: Path | None) -> "Cuts":
    """The cuts in a file, or the default ones."""
    from genprobe.regimes import DEFAULT_CUTS, read_cuts

    return DEFAULT_CUTS if path is None else read_cuts(path)


def require_writable(path: Path | None) -> None:
    """Check that a file can be written before hours are spent on its content.

    Raises:
        GenprobeError: if its folder is missing or read-only.
    """
    if path is None:
        return
    folder = path.parent
    if not folder.is_dir():
        raise GenprobeError(
            f"There is no folder {folder} to write {path.name} in.", "Make it first."
        )
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise GenprobeError(f"{path} cannot be written.", "Choose another path.")
