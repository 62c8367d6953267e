"""Several tokenizers side by side: what a generator pays for the codes of each, and what it gets.

Codes of any shape compare in bits a pixel, because the data are the same.
"""

from collections.abc import Sequence

from genprobe.analysis.advice import error_of
from genprobe.analysis.pixels import pixels_in
from genprobe.analysis.rounding import with_error
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import PAID, Difference
from genprobe.estimators.catalog import row_of
from genprobe.render.text.columns import Column
from genprobe.render.text.comparison_labels import ERRORS, UNCLEAR
from genprobe.render.text.comparison_rows import UNPAIRED
from genprobe.render.text.token_lines import LN2
from genprobe.render.text.units import DECIMALS, divisor
from genprobe.report import Estimate, Report

HEADINGS = {"psnr": "PSNR, dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM"}
SHOWN = (PAID, "distortion", *HEADINGS)
"""What codes cost, and how well they reconstruct; all but the first two are of plugins."""


def has_codes(comparison: Comparison) -> bool:
    """Whether the codes of some model have places or classes, and something to pay for them."""
    return any(
        (report.tokens is not None or report.grid is not None) and PAID in report.estimates
        for report in comparison.reports
    )


def code_title(comparison: Comparison) -> str:
    """What the table says."""
    per = "pixel" if has_pixels(comparison) else "example"
    return f"What a generator pays for the codes, bits a {per}, and how well they reconstruct"


def code_columns(
    comparison: Comparison,
    unit: str,
    shown: Sequence[int],
    errors: bool = True,
    apart: bool = True,
) -> list[Column]:
    """The codes of each model, what they cost under the best prior fitted, and their quality.

    Args:
        comparison: to be shown, its names escaped.
        unit: of D: ``nats``, ``bits`` or ``bits/dim``.
        shown: positions of the models that have a line.
        errors: whether with the errors of what is not a difference.
        apart: whether with the difference from the reference after each.
    """
    reports = [comparison.reports[i] for i in shown]
    found = [Column(heading="codes", cells=[shape_of(r) for r in reports], number=False)]
    for name in code_estimates(comparison):
        cells = [code_cell(comparison, i, name, unit, errors) for i in shown]
        found.append(Column(heading=heading_of_codes(comparison, name, unit), cells=cells))
        found += columns_of_differences(comparison, unit, shown, name, "Δ") if apart else []
    return found


def code_difference_columns(
    comparison: Comparison, unit: str, shown: Sequence[int]
) -> list[Column]:
    """The differences alone, each under the name of what differs; arguments as above."""
    return [
        column
        for name in code_estimates(comparison)
        for column in columns_of_differences(
            comparison, unit, shown, name, f"Δ {heading_of_codes(comparison, name, unit)}"
        )
    ]


def columns_of_differences(
    comparison: Comparison, unit: str, shown: Sequence[int], name: str, heading: str
) -> list[Column]:
    """The differences of one estimate from the reference; none where none is known.

    Args:
        comparison: to be shown, its names escaped.
        unit: of D.
        shown: positions of the models that have a line.
        name: of the estimate.
        heading: of the column.
    """
    found = [difference_of_codes(comparison, i, name) for i in shown]
    if not any(found):
        return []
    pairs = zip(shown, found, strict=True)
    return [
        Column(heading=heading, cells=[apart_of_codes(comparison, i, d, unit) for i, d in pairs])
    ]


def code_estimates(comparison: Comparison) -> list[str]:
    """The estimates that the table of codes has; none where no codes have places or classes."""
    if not has_codes(comparison):
        return []
    return [name for name in SHOWN if any(name in r.estimates for r in comparison.reports)]


def heading_of_codes(comparison: Comparison, name: str, unit: str = "nats") -> str:
    """What the head of a column says."""
    if name == PAID:
        return f"bits/{'pixel' if has_pixels(comparison) else 'example'}"
    heading = HEADINGS.get(name, row_of(name).heading)
    return f"{heading}, {unit}" if name == "distortion" else heading


def shape_of(report: Report) -> str:
    """The shape of the codes, and of how many classes they are; a dash where they have none.

    Of tokens as 7×7 of 512, of a grid as 4×8×8.
    """
    if report.tokens is not None:
        return f"{'×'.join(map(str, report.tokens.shape)) or '1'} of {report.tokens.classes}"
    return "–" if report.grid is None else "×".join(map(str, report.grid.shape))


def has_pixels(comparison: Comparison) -> bool:
    """Whether the number of pixels of an example is known of every model's data."""
    return all(pixels_in(report) is not None for report in comparison.reports)


def divisor_of_codes(
    comparison: Comparison, report: Report, name: str, unit: str = "nats"
) -> float:
    """What an estimate is divided by to be shown; codes are paid for in bits, D is in the unit."""
    if name != PAID:
        return divisor(report, unit) if name == "distortion" else 1.0
    return LN2 * ((pixels_in(report) or 1) if has_pixels(comparison) else 1)


def code_cell(
    comparison: Comparison, position: int, name: str, unit: str, errors: bool = True
) -> str:
    """One estimate of one model, perhaps with its error; a dash where it has none."""
    report = comparison.reports[position]
    estimate: Estimate | None = report.estimates.get(name)
    if estimate is None:
        return "–"
    by = divisor_of_codes(comparison, report, name, unit)
    text = with_error(estimate.value, error_of(estimate), DECIMALS[unit], by)
    return text if errors else text.partition(" ±")[0]


def difference_of_codes(comparison: Comparison, position: int, name: str) -> Difference | None:
    """The difference of a model from the reference; None if there is none."""
    every = comparison.every_difference
    model = comparison.names[position]
    return next((d for d in every if (d.first, d.name) == (model, name)), None)


def apart_of_codes(comparison: Comparison, position: int, d: Difference | None, unit: str) -> str:
    """A difference with its error; empty where there is none."""
    if d is None:
        return "–" if comparison.names[position] == comparison.reference else ""
    by = divisor_of_codes(comparison, comparison.reports[position], d.name, unit)
    error = d.se if d.se_data is None else d.se_data
    doubt = f"{UNCLEAR} " if error is not None and abs(d.value) <= ERRORS * error else ""
    return f"{doubt}{with_error(d.value, error, DECIMALS[unit], by)}{'' if d.paired else UNPAIRED}"


def code_notes(comparison: Comparison) -> str:
    """What the columns and marks mean."""
    said = ["Bits under the best prior that was fitted to the codes: a generator pays no more."]
    apart = [d for d in comparison.every_difference if d.name in SHOWN]
    if apart:
        paired = ", paired over examples" if any(d.paired for d in apart) else ""
        said.append(
            f"Δ is from {comparison.reference}{paired}; {UNCLEAR} less than {ERRORS:g} errors."
        )
    if any(not d.paired for d in apart):
        said.append(f"{UNPAIRED} not paired.")
    return " ".join(said)
