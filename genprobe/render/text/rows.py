"""What the tables say: the rows in their order, and how numbers are written."""

from typing import NamedTuple

from genprobe.analysis.regimes import AUTODECODER, DEFAULT_CUTS, MEANING
from genprobe.analysis.rounding import rounded, rounded_error
from genprobe.estimators.catalog import CATALOG, row_of
from genprobe.render.text.first_level import of_first_level
from genprobe.report import COLLAPSED_NATS, Dimension, Estimate, Regime, Report, number

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 16
BOUNDS = {"lower": "≥ ", "upper": "≤ "}
DOUBTED = "?"
"""Behind a label that another number speaks against."""
DOUBTS = {
    "logits-may-be-probabilities": "its logits may be probabilities",
    "outlying-examples": "a few examples decide its numbers",
    "distortion-above-blind": "it does worse than a decoder without a code",
    "rate-without-information": "its code tells next to nothing",
}
"""By the code of a warning: why the label is doubted."""


class Row(NamedTuple):
    """One line of the table, as text.

    name: what it is.
    value: the number.
    se: Monte Carlo standard error, for these very examples.
    se_data: standard error with the examples taken as a sample.
    """

    name: str
    value: str
    se: str
    se_data: str


def layout(report: Report) -> dict[str, list[Estimate]]:
    """The estimates of a report by section: genprobe's own in their order, then those of plugins.

    Sections that only plugins name come after genprobe's.
    """
    found: dict[str, list[Estimate]] = {row.section: [] for row in CATALOG.values()}
    vacuous = report.provenance.get("vacuous", {})
    for name in [*CATALOG, *(name for name in report.estimates if name not in CATALOG)]:
        row = row_of(name)
        if name in report.estimates and not row.hidden and name not in vacuous:
            found.setdefault(row.section, []).append(report.estimates[name])
    return {title: estimates for title, estimates in found.items() if estimates}


def sections(report: Report, divisor: float, decimals: int = 3) -> dict[str, list[Row]]:
    """The rows of a report by section, those of each label among them."""
    every = {**layout(report), **label_layout(report)}
    return {
        title: [row(report, estimate, divisor, decimals) for estimate in estimates]
        for title, estimates in every.items()
    }


def label_layout(report: Report) -> dict[str, list[Estimate]]:
    """The estimates of each label by a title."""
    return {
        f"Label {name}: {len(label.classes)} classes, N = {label.n}": list(label.estimates.values())
        for name, label in report.labels.items()
    }


def row(report: Report, estimate: Estimate, divisor: float, decimals: int = 3) -> Row:
    """One estimate as text."""
    name = of_first_level(report, estimate.name, name_of(estimate))
    if estimate.unit == "count":
        return Row(name, f"{estimate.value:.0f}{total_of(report, estimate)}", "", "")
    scale = divisor if estimate.unit == "nats" else 1.0
    errors = [None if e is None else e / scale for e in (estimate.se, estimate.se_data)]
    most = max((e for e in errors if e), default=None)
    value = rounded(estimate.value / scale, most, decimals)
    return Row(
        name,
        BOUNDS.get(estimate.kind, "") + value,
        *(rounded_error(error, decimals) for error in errors),
    )


def name_of(estimate: Estimate) -> str:
    """What the tables call an estimate."""
    return row_of(estimate.name).label


def meaning_of(estimate: Estimate) -> str:
    """What an estimate says, in a sentence; empty where nothing is known of it."""
    return row_of(estimate.name).meaning


def total_of(report: Report, estimate: Estimate) -> str:
    """Behind a count of latent dimensions, how many there are; else empty."""
    return f" of {len(report.dimensions)}" if row_of(estimate.name).of_dimensions else ""


def sparkline(dimensions: list[Dimension], divisor: float) -> str:
    """KL of the latent dimensions, largest first, as bars; empty where it is unknown."""
    rates = sorted((d.rate for d in dimensions if d.rate is not None), reverse=True)
    if not rates:
        return ""
    top = max(rates[0], COLLAPSED_NATS)
    bars = "".join(BARS[min(7, int(8 * max(0.0, rate) / top))] for rate in rates[:SHOWN])
    more = f" and {len(rates) - SHOWN} more" if len(rates) > SHOWN else ""
    return f"{bars}{more}  {number(rates[0] / divisor)} … {number(rates[-1] / divisor)}"


def method_lines(report: Report) -> list[str]:
    """How the numbers were come by: the queries, the fitted prior, what was done to the data."""
    facts, lines = report.provenance, []
    made, needed = facts.get("queries"), facts.get("queries_needed")
    if made and needed is not None:
        name = of_first_level(report, "mutual_information", "I(n;z)")
        lines.append(
            f"{name} from {made} queries; ± {facts['tolerance']:g} nats takes {needed}, "
            f"of the plain estimator {facts['plain_queries']}"
        )
    if facts.get("fitted_prior") and "rate_fitted_prior" in report.estimates:
        fitted = facts["fitted_prior"]
        lines.append(f"fitted prior: {fitted['rung']}, cross-fitted in {fitted['folds']} folds")
    if prepared := facts.get("preparation"):
        lines.append(f"examples: {prepared}")
    return lines + remarks(report)


def remarks(report: Report) -> list[str]:
    """Why an error is not stated, or is wider than it had to be, where no warning says so."""
    if any(notice.code == "few-examples" for notice in report.warnings):
        return []
    vacuous = report.provenance.get("vacuous", {})
    shown = [e for name, e in report.estimates.items() if name not in vacuous]
    said = {e.remark: name_of(e).strip() for e in shown if e.remark}
    return [f"{name}: {remark}" for remark, name in said.items()]


def headline(report: Report, unit: str) -> str:
    """What was evaluated on what."""
    draws = report.provenance.get("draws", 1)
    binarized = report.provenance.get("binarize", "none")
    how = "" if binarized == "none" else f", binarised ({binarized})"
    plural = "draw" if draws == 1 else "draws"
    return f"{report.model} on {report.dataset}{how}: N = {report.n}, {draws} {plural} each, {unit}"


def regime_lines(report: Report, unit: str, divisor: float) -> list[str]:
    """The regime with its probability, its meaning or what speaks against it, and why."""
    return [regime_verdict(report, divisor), *regime_reasons(report.regime, unit, divisor)]


def regime_verdict(report: Report, divisor: float = 1.0) -> str:
    """The label with its probability, its meaning and its numbers; both labels at a boundary.

    What the label is doubted for takes the place of its meaning.

    Args:
        report: of the model.
        divisor: nats in the unit of the numbers.
    """
    regime = report.regime
    if regime.label == "undetermined":
        return f"undetermined: {'; '.join(regime.reasons)}"
    against = doubts(report)
    but = f", but {' and '.join(against)}" if against else ""
    numbers = placed_by(report, divisor)
    if regime.probability < least_certain(report) and regime.alternatives:
        other, share = regime.alternatives[0]
        both = f"{regime.probability:.2f} / {share:.2f}"
        return f"{regime.label} / {other} boundary, {both}{but}{numbers}"
    meaning = but or f": {MEANING[regime.label]}"
    return f"{regime.label} (probability {floor_two(regime.probability)}){meaning}{numbers}"


PLACED_BY = {"rate": "R", "mutual_information": "I(n;z)", "slope": "s"}
"""The estimates that say what a label means for a model, and their symbols."""


def placed_by(report: Report, divisor: float) -> str:
    """R, I(n;z) and the slope s, as far as they are known, to follow a sentence."""
    symbols = {k: of_first_level(report, k, symbol) for k, symbol in PLACED_BY.items()}
    found = [
        f"{symbol} = {number(e.value / (1.0 if name == 'slope' else divisor), 2)}"
        for name, symbol in symbols.items()
        if (e := report.estimates.get(name)) is not None
    ]
    return f"; {', '.join(found)}" if found else ""


def least_certain(report: Report) -> float:
    """The probability from which a label stands alone, by the thresholds of the report."""
    return float(report.provenance.get("regime_cuts", {}).get("certain", DEFAULT_CUTS.certain))


def short_verdict(report: Report) -> str:
    """The label with its probability, or both labels at a boundary, for a cell."""
    regime = report.regime
    if regime.label == "undetermined":
        return regime.label
    known = [(regime.label, regime.probability), *regime.alternatives]
    shown = known[: 1 if regime.probability >= least_certain(report) else 2]
    label = " / ".join(f"{name} {floor_two(share)}" for name, share in shown)
    return f"{label} {DOUBTED}" if doubts(report) else label


def doubts(report: Report) -> list[str]:
    """What speaks against the label, which goes by rate, distortion and slope alone.

    Nothing does against an autodecoder: that its code tells next to nothing is what it says.
    """
    if report.regime.label == AUTODECODER:
        return []
    codes = {notice.code for notice in report.warnings}
    return [said for code, said in DOUBTS.items() if code in codes]


def floor_two(probability: float) -> str:
    """Two decimals, never rounded up to a certainty."""
    return "1.00" if probability == 1 else f"{min(probability, 0.99):.2f}"


GIVEN = "given"
"""The source of a bound that the user gave."""


def regime_reasons(regime: Regime, unit: str, divisor: float) -> list[str]:
    """Which cut decided, and the entropy bound with its source."""
    if regime.label == "undetermined":
        return []
    lines = ["; ".join(regime.reasons)]
    if regime.entropy is not None:
        source = sourced(regime.entropy_source)
        lines.append(f"Ĥ = {number(regime.entropy / divisor)} {unit}, {source}")
    return lines


def sourced(source: str | None) -> str:
    """Where a bound on the entropy comes from, as it follows the number."""
    return "as given" if source == GIVEN else f"from {source}"
