"""What the tables of a comparison say: a line a model, a line a difference, and the notes below."""

from typing import NamedTuple

from genprobe.analysis.rounding import rounded, rounded_error
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import BOUND, PAIRED, Difference
from genprobe.render.text.first_level import has_chain
from genprobe.render.text.headings import COLUMNS, heading_of
from genprobe.render.text.rows import DOUBTED, DOUBTS, doubts, short_verdict, sourced
from genprobe.render.text.units import divisor
from genprobe.report import Report, number

HULL, FRONTIER = "●", "○"
LISTED = 12
UNPAIRED = "†"


class Cell(NamedTuple):
    """One number of a table, as text.

    value: the number, a dash where there is none.
    error: its standard error over examples; empty where there is none.
    best: whether it is the best of its column.
    """

    value: str
    error: str
    best: bool


class ModelRow(NamedTuple):
    """One model of the table.

    name: what it goes by.
    data: what it was evaluated on.
    cells: the numbers, in the order of the headings.
    plane: the mark of the hull or frontier, if it lies there.
    regime: its label with the probability.
    """

    name: str
    data: str
    cells: list[Cell]
    plane: str
    regime: str


class DifferenceRow(NamedTuple):
    """One model's differences from the reference.

    name: what it goes by.
    cells: the differences of the estimates, by name.
    z: of the ELBO.
    verdict: on the ELBO.
    """

    name: str
    cells: dict[str, Cell]
    z: str
    verdict: str


def headings(comparison: Comparison) -> dict[str, str]:
    """The estimates in the table with their headings: the usual ones, and what it is sorted by."""
    if comparison.sort in {*COLUMNS, "name"}:
        return COLUMNS
    return COLUMNS | {comparison.sort: heading_of(comparison.sort)}


def model_rows(comparison: Comparison, unit: str, decimals: int = 3) -> list[ModelRow]:
    """The models in their order.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        decimals: of the numbers.
    """
    best = {name: comparison.best_value(name) for name in headings(comparison)}
    return [
        ModelRow(
            name=name,
            data=f"{report.dataset} ({report.n})",
            cells=[cell(report, k, divisor(report, unit), decimals, v) for k, v in best.items()],
            plane=plane_mark(comparison, i),
            regime=short_verdict(report),
        )
        for i, (name, report) in enumerate(zip(comparison.names, comparison.reports, strict=True))
    ]


def cell(report: Report, name: str, scale: float, decimals: int, best: float | None) -> Cell:
    """One estimate of one model."""
    estimate = report.estimates.get(name)
    if estimate is None:
        return Cell("–", "", False)
    if estimate.unit == "count":
        return Cell(f"{estimate.value:.0f}", "", False)
    scale = scale if estimate.unit == "nats" else 1.0
    error = None if estimate.se_data is None else estimate.se_data / scale
    return Cell(
        rounded(estimate.value / scale, error, decimals),
        "" if error is None else rounded_error(error, decimals),
        estimate.value == best,
    )


def plane_mark(comparison: Comparison, position: int) -> str:
    """The mark of a model on the hull or else on the frontier; empty for others."""
    if len(comparison.reports) < 2:
        return ""
    if position in comparison.hull:
        return HULL
    return FRONTIER if position in comparison.frontier else ""


def differing(comparison: Comparison) -> list[str]:
    """The estimates that differences are known of, the ELBO first."""
    known = {d.name for d in comparison.differences}
    return [name for name in PAIRED if name in known]


def difference_rows(comparison: Comparison, unit: str, decimals: int) -> list[DifferenceRow]:
    """The differences of every model from the reference, in the order of the table."""
    scale = divisor(comparison.reports[0], unit)
    found: dict[str, dict[str, Difference]] = {}
    for d in comparison.differences:
        found.setdefault(d.first, {})[d.name] = d
    return [
        DifferenceRow(
            name=name,
            cells={k: difference_cell(d, scale, decimals) for k, d in known.items()},
            z=z_text(known["elbo"]) if "elbo" in known else "–",
            verdict=elbo_verdict(known, comparison.critical),
        )
        for name, known in found.items()
    ]


def difference_cell(difference: Difference, scale: float, decimals: int) -> Cell:
    """One difference with its error."""
    error = None if difference.se_data is None else difference.se_data / scale
    value = rounded(difference.value / scale, error, decimals)
    return Cell(value, rounded_error(error, decimals), False)


def z_text(difference: Difference) -> str:
    """The z of a difference, a dash where it is unknown."""
    z = difference.z
    if z is None:
        return "–"
    return f"{z:.1f}".replace("-", "−") if abs(z) < 100 else f"{z:.0f}".replace("-", "−")


def elbo_verdict(known: dict[str, Difference], critical: float) -> str:
    """Whether the ELBO is beyond doubt another, and whether the examples were paired."""
    mark = "" if all(d.paired for d in known.values()) else UNPAIRED
    if "elbo" not in known:
        return mark
    z = known["elbo"].z
    if z is None:
        word = "same" if known["elbo"].value == 0 else "–"
    elif abs(z) <= critical:
        word = "unclear"
    else:
        word = "better" if z > 0 else "worse"
    return f"{word} {mark}".rstrip()


def title(comparison: Comparison, unit: str) -> str:
    """What is compared on what."""
    first, many = comparison.reports[0], len(comparison.reports)
    models = f"{many} model{'s' if many > 1 else ''}"
    if many == 1:
        order = ""
    else:
        firsts = {"elbo": "best ELBO first", BOUND: "least −log p(x) first"}
        order = f", {firsts.get(comparison.sort, f'by {comparison.sort}')}"
    if comparison.side_by_side:
        return f"{models} side by side: {unit}{order}"
    return f"{models} on {first.dataset}: N = {first.n}, {unit}{order}"


def notes(comparison: Comparison, unit: str) -> list[str]:
    """What the marks of a table with all marks mean, and what the models share."""
    marked = [
        heading
        for name, heading in headings(comparison).items()
        if comparison.best_value(name) is not None
    ]
    best = [f"* the best {enumerated(marked)}."] if marked else []
    return [*best, *frontier_notes(comparison), *shared_notes(comparison, unit)]


def shared_notes(comparison: Comparison, unit: str) -> list[str]:
    """What columns mean, and what the models share or do not."""
    found = []
    if any("marginal_kl" in report.estimates for report in comparison.reports):
        found.append("marg. KL is the marginal KL, R − I(n;z).")
    if any(map(has_chain, comparison.reports)):
        found.append("Of a chain of latents I(n;z) and marg. KL are of its first level, z₁.")
    if comparison.side_by_side:
        found.append("Each on data of its own: nothing is shared, and no two rows compare.")
    elif not comparison.same_measure:
        found.append(
            "Some D are of densities and some of probabilities, or of other bins: D and ELBO do "
            "not compare. For quantised data --bin-width makes both probabilities."
        )
    if against := doubted(comparison):
        found.append(f"{DOUBTED} a label in doubt: {' or '.join(against)}.")
    if comparison.entropy is not None:
        scale = divisor(comparison.reports[0], unit)
        bound = number(comparison.entropy / scale)
        source = sourced(comparison.entropy_source)
        found.append(f"Regimes share Ĥ = {bound} {unit}, {source}.")
    return found


def doubted(comparison: Comparison) -> list[str]:
    """What speaks against the label of some model."""
    found = {reason for report in comparison.reports for reason in doubts(report)}
    return [reason for reason in DOUBTS.values() if reason in found]


def frontier_notes(comparison: Comparison) -> list[str]:
    """The frontier and the hull by name; nothing of a model alone."""
    if len(comparison.reports) < 2 or not comparison.frontier:
        return []
    inner = [i for i in comparison.frontier if i not in comparison.hull]
    found = [
        f"{HULL} {some_names(comparison, comparison.hull)}: no model, and no mixture of two, "
        "has less of both R and D."
    ]
    if inner:
        found.append(
            f"{FRONTIER} {some_names(comparison, inner)}: on the Pareto frontier, but inside the "
            "convex hull; no model has less of both, a mixture of two has."
        )
    return found


def some_names(comparison: Comparison, positions: "tuple[int, ...] | list[int]") -> str:
    """Models by name, the first dozen if they are many."""
    names = [comparison.names[i] for i in positions]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def enumerated(words: list[str]) -> str:
    """A, b and c."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def difference_title(comparison: Comparison) -> str:
    """What the differences are from."""
    return f"Differences from {comparison.reference}, ± over {comparison.reports[0].n} examples"


def difference_notes(comparison: Comparison) -> list[str]:
    """How the differences were tested."""
    found = []
    if any(d.paired for d in comparison.differences):
        found.append("Paired: ± is of what two models differ by on each example.")
    if any(not d.paired for d in comparison.differences):
        found.append(
            f"{UNPAIRED} unpaired: a store is not at hand or holds other numbers; ± is as if the "
            "examples were others."
        )
    if any(d.name == "elbo" for d in comparison.differences):
        count = comparison.comparisons
        held = "" if count == 1 else f" for all {count} comparisons at once (Bonferroni)"
        found.append(f"better, worse: |z| > {comparison.critical:.2f} of the ELBO, 5 %{held}.")
    return found
