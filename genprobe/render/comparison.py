"""Several reports as one table."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genprobe.comparison import Comparison
from genprobe.render.markdown import environment
from genprobe.render.rows import number, short_verdict
from genprobe.render.table import plain
from genprobe.render.units import divisor
from genprobe.types import Report

COLUMNS = {
    "R": "rate",
    "D": "distortion",
    "ELBO": "elbo",
    "I(n;z)": "mutual_information",
    "KL": "marginal_kl",
}


def comparison_view(comparison: Comparison, unit: str = "nats") -> RenderableType:
    """A comparison as something rich can print.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("model", overflow="fold")
    for heading in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("regime", overflow="fold")
    for report in comparison.reports:
        table.add_row(*map(Text, cells(report, comparison, unit)))
    first = comparison.reports[0]
    title = f"{len(comparison.reports)} models on {first.dataset}: N = {first.n}, {unit}"
    return Group(Text(title, style="bold"), table, "", Text(footer(comparison, unit)))


def cells(report: Report, comparison: Comparison, unit: str) -> list[str]:
    """One model's line."""
    scale = divisor(report, unit)
    numbers = [
        number(report[name].value / scale) if name in report.estimates else "–"
        for name in COLUMNS.values()
    ]
    elbos = [r["elbo"].value for r in comparison.reports if "elbo" in r.estimates]
    if "elbo" in report.estimates and report["elbo"].value == max(elbos):
        numbers[2] = f"{numbers[2]} *"
    return [report.model, *numbers, short_verdict(report.regime)]


def footer(comparison: Comparison, unit: str) -> str:
    """What the marks mean, and the shared bound."""
    best = "* the best ELBO. KL is the marginal KL, R − I(n;z)." if comparison.best else ""
    if comparison.entropy is None:
        return best
    scale = divisor(comparison.reports[0], unit)
    bound = f"Ĥ = {number(comparison.entropy / scale)} {unit}, from {comparison.entropy_source}"
    return f"{best} Regimes share {bound}."


def to_text(comparison: Comparison, unit: str = "nats") -> str:
    """The table as plain text, 80 columns wide."""
    return plain(comparison_view(comparison, unit))


def to_markdown(comparison: Comparison, unit: str = "nats") -> str:
    """The comparison as a Markdown table."""
    return (
        environment()
        .get_template("comparison.md.j2")
        .render(
            rows=[cells(report, comparison, unit) for report in comparison.reports],
            footer=footer(comparison, unit),
        )
    )
