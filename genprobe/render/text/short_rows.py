"""The eight rows or so of a report that every first screen has, as text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from genprobe.analysis.advice import Facts, error_of
from genprobe.analysis.decoder_alone import bound_alone, has_encoder
from genprobe.analysis.diffuses import diffuses
from genprobe.analysis.rounding import rounded, rounded_error, with_error
from genprobe.estimators.catalog import CATALOG
from genprobe.render.text.first_level import has_chain, of_first_level
from genprobe.render.text.headings import ERRORS
from genprobe.render.text.rows import BOUNDS, layout, name_of, sparkline
from genprobe.render.text.units import DECIMALS, divisor
from genprobe.report import Estimate, Report

MISSING = "–"
NAMES = {
    "elbo": "ELBO",
    "rate": "R",
    "distortion": "D",
    "iwae_bound": "IWAE bound",
    "ais_bound": "AIS bound",
    "mutual_information": "I(n;z)",
    "marginal_kl": "marginal KL",
    "slope": "slope",
    "active_units": "active units",
}
"""Of the rows, by estimate; I(X;Z) comes before the slope."""
ALWAYS = ("rate", "distortion", "mutual_information", "marginal_kl")
"""Estimates whose row says why where there is none."""
BEFORE = "slope"
"""The row in front of which I(X;Z) stands."""
UPPER = "mutual_information_population_upper"


class ShortRow(NamedTuple):
    """One row of a first screen, as text.

    Attributes:
        name: what it is.
        value: the number, rounded to its error, or a bracket of two.
        errors: a ± for each of the columns; none behind a bracket or a count.
        note: what the number is to be seen beside.
    """

    name: str
    value: str
    errors: tuple[str, ...] = ()
    note: str = ""


class Scale(NamedTuple):
    """The unit of a table: its name, the nats that it is, decimals without an error."""

    unit: str
    nats: float
    decimals: int


def scale_of(report: Report, unit: str) -> Scale:
    """The unit of a report's table.

    Raises:
        GenprobeError: if the report has no number in it.
    """
    return Scale(unit, divisor(report, unit), DECIMALS[unit])


def error_columns(report: Report) -> tuple[str, ...]:
    """Which errors the columns are: both where there are several draws and they differ.

    With one draw the error over the data has that of the draw in it.
    """
    shown = [report.estimates[name] for name in NAMES if name in report.estimates]
    if not any(e.se_data is not None for e in shown if e.unit != "count"):
        return ERRORS[:1]
    several = report.provenance.get("draws", 1) > 1
    return ERRORS if several and any(e.se != e.se_data for e in shown) else ERRORS[1:]


def short_rows(report: Report, unit: str, extras: bool = True) -> list[ShortRow]:
    """The rows of a first screen.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        extras: whether with the estimates of plugins.
    """
    scale, columns = scale_of(report, unit), error_columns(report)
    rows = []
    for name, label in NAMES.items():
        if name == BEFORE:
            rows += population_rows(report, scale)
        if name in report.estimates:
            rows.append(estimate_row(report, report.estimates[name], label, scale, columns))
        elif (
            name in ALWAYS and has_encoder(report) and not diffuses(report)
        ):  # without one the regime says why
            rows += absent_rows(report, name, label)
    if extras:
        foreign = [e for es in layout(report).values() for e in es if e.name not in CATALOG]
        rows += [estimate_row(report, e, name_of(e).strip(), scale, columns) for e in foreign]
    return rows


def estimate_row(
    report: Report, estimate: Estimate, label: str, scale: Scale, columns: Sequence[str]
) -> ShortRow:
    """One estimate as a row.

    Args:
        report: that it is of.
        estimate: to be shown.
        label: that it has.
        scale: of the table.
        columns: which errors are shown.
    """
    label = of_first_level(report, estimate.name, label)
    if estimate.name == "active_units":
        bars = re.sub(r" and \d+ more ", "…", sparkline(list(report.dimensions), scale.nats))
        return ShortRow(label, f"{estimate.value:.0f} of {len(report.dimensions)}", (), bars)
    if estimate.unit == "count":
        return ShortRow(label, rounded(estimate.value, 0.0, 0))
    by = scale.nats if estimate.unit == "nats" else 1.0
    known = {"± Monte Carlo": estimate.se, "± data": estimate.se_data}
    errors = [None if known[c] is None else (known[c] or 0.0) / by for c in columns]
    if len(columns) == 1 and errors[0] is None and estimate.se:
        errors = [estimate.se / by]  # the only one that is known
    most = max((e for e in errors if e), default=0.0)
    return ShortRow(
        label,
        BOUNDS.get(estimate.kind, "") + rounded(estimate.value / by, most, scale.decimals),
        tuple(rounded_error(e, scale.decimals) for e in errors),
        note_of(report, estimate, scale),
    )


def note_of(report: Report, estimate: Estimate, scale: Scale) -> str:
    """What a number is to be seen beside, from the other numbers of the report."""
    match estimate.name:
        case "elbo":
            beside = above_blind(report, scale)
            return f"{beside} without a code" if beside else "= −(R + D)"
        case "rate":
            return "what the code costs"
        case "distortion":
            return "what is left to the decoder"
        case "iwae_bound":
            return "on −log p(x)"
        case "ais_bound":
            return f"on −log p(x), from {estimate.n} examples"
        case "mutual_information":
            cap = report.estimates.get("log_n")
            return f"of at most {rounded(cap.value / scale.nats, 0.0, 2)}" if cap else ""
        case "marginal_kl":
            return prior_bracket(report, scale)
        case "slope":
            return "nats of D one more nat of R buys"
        case _:
            return "" if estimate.unit in ("nats", "count") else estimate.unit


def above_blind(report: Report, scale: Scale) -> str:
    """How much better the ELBO is than that of the best decoder without a code; empty if unknown.

    Args:
        report: of the model.
        scale: of the number.
    """
    blind, elbo = report.estimates.get("blind_distortion"), report.estimates.get("elbo")
    if blind is None or elbo is None:
        return ""
    gain, error = elbo.value + blind.value, error_of(elbo)
    # A decoder whose scale is one constant is judged beside a blind one of the same scale.
    at_own_scale = Facts(report=report).at_stake("distortion-above-blind")
    if at_own_scale is not None and "rate" in report.estimates:
        gain = -report["rate"].value - at_own_scale[0]
    amount = rounded(abs(gain) / scale.nats, error and error / scale.nats, scale.decimals)
    if not any(c in "123456789" for c in amount):
        return "the same as"
    return f"{amount} {'better' if gain > 0 else 'worse'} than"


def without_elbo(rows: Sequence[ShortRow], report: Report, scale: Scale) -> list[ShortRow]:
    """The rows where a line above them has the ELBO; what it is seen beside goes to D.

    Args:
        rows: of the report.
        report: to be shown.
        scale: of the table.
    """
    beside = above_blind(report, scale)
    note = f"the ELBO is {beside} without a code"
    return [
        row._replace(note=note) if beside and row.name == NAMES["distortion"] else row
        for row in rows
        if row.name != NAMES["elbo"]
    ]


def prior_bracket(report: Report, scale: Scale) -> str:
    """The marginal KL of the population between its ends, but for a lower one that is vacuous."""
    low = report.estimates.get("marginal_kl_population_lower")
    high = report.estimates.get("marginal_kl_population_upper")
    if high is None:
        return ""
    upper = written(high, scale)
    if low is None or not 0 < low.value < high.value:
        return f"≤ {upper}, the prior mismatch"
    return f"{written(low, scale)} … {upper}, the prior mismatch"


def population_rows(report: Report, scale: Scale) -> list[ShortRow]:
    """I(X;Z) between I(n;z), which it is at least in expectation, and the least upper bound."""
    high, low = report.estimates.get(UPPER), report.estimates.get("mutual_information")
    if high is None:
        return []
    name = "I(X;Z₁)" if has_chain(report) else "I(X;Z)"
    if low is None or not 0 < low.value < high.value:
        by = scale.nats
        bound = with_error(high.value / by, (error_of(high) or 0.0) / by, scale.decimals)
        return [ShortRow(name, f"≤ {bound}", (), "for the population")]
    return [
        ShortRow(name, f"{written(low, scale)} … {written(high, scale)}", (), "for the population")
    ]


def written(estimate: Estimate, scale: Scale) -> str:
    """An estimate rounded to its error, without it."""
    error = error_of(estimate)
    return rounded(
        estimate.value / scale.nats, None if error is None else error / scale.nats, scale.decimals
    )


def absent_rows(report: Report, name: str, label: str) -> list[ShortRow]:
    """A row without a number that says why, where that is known."""
    absent = report.provenance.get("absent", {}).get(name)
    if not absent:
        return []
    _, colon, why = str(absent).partition(": ")
    return [ShortRow(label, MISSING, (), (why if colon else str(absent)).rstrip("."))]


def summary(report: Report, unit: str) -> str:
    """The ELBO with its error and R + D in a line; empty where there is neither.

    Without an encoder it is the bound on −log p(x).
    """
    scale = scale_of(report, unit)

    def said(name: str) -> str:
        found = report.estimates[name]
        return with_error(found.value, error_of(found), scale.decimals, scale.nats)

    bound = bound_alone(report)
    if bound is not None:
        fitted = report.provenance.get("fitted_scale")
        at = f" at σ = {fitted:.3g}, the best scale" if isinstance(fitted, float) else ""
        return f"−log p(x) ≤ {said(bound.name)} {unit}{at}"
    parts = [name for name in ("rate", "distortion") if name in report.estimates]
    symbols = {"rate": "R", "distortion": "D"}
    total = f"{' + '.join(symbols[p] for p in parts)} = {' + '.join(said(p) for p in parts)}"
    if len(parts) == 2:
        each = [f"({said(p)})" if "±" in said(p) else said(p) for p in parts]
        total = f"R + D = {' + '.join(each)}"
    if "elbo" not in report.estimates:
        return f"{total} {unit}" if parts else ""
    return f"ELBO {said('elbo')} {unit}" + (f", {total}" if parts else "")
