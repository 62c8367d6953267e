"""Several reports: the verdict, one table, and with details every difference."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import Difference
from genprobe.comparing.probed_differences import rows_of_plugins
from genprobe.escape import escaped
from genprobe.render.text.columns import Column, fit, table_of
from genprobe.render.text.comparison_codes import (
    code_columns,
    code_difference_columns,
    code_estimates,
    code_notes,
    code_title,
    has_codes,
)
from genprobe.render.text.comparison_inference import (
    LOST,
    apart_columns,
    apart_notes,
    lost_columns,
    lost_title,
)
from genprobe.render.text.comparison_labels import (
    label_columns,
    label_names,
    label_notes,
    label_title,
)
from genprobe.render.text.comparison_rows import (
    difference_notes,
    difference_rows,
    difference_title,
    differing,
    frontier_notes,
    shared_notes,
    title,
)
from genprobe.render.text.comparison_summary import (
    difference_column,
    left_out,
    mark_notes,
    shown_models,
    summary_table,
)
from genprobe.render.text.comparison_verdict import verdict_of
from genprobe.render.text.comparison_warnings import shared_warnings, short_warnings
from genprobe.render.text.table import WIDTH, hanging, plain, warning_text
from genprobe.render.text.units import DECIMALS


def comparison_view(
    comparison: Comparison,
    unit: str = "nats",
    warnings: bool = True,
    details: bool = False,
    width: int = WIDTH,
) -> RenderableType:
    """A comparison as something rich can print: the verdict, and one table below it.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        warnings: whether those of the models are shown; below their own tables they would be twice.
        details: whether differences have a table of their own, and every warning its text.
        width: columns there are.
    """
    comparison = escaped(comparison)
    parts: list[RenderableType] = [Text(title(comparison, unit), style="bold")]
    for sentence in verdict_of(comparison, unit):
        parts.append(Text(sentence, style="bold" if len(parts) == 1 else ""))
    parts.append("")
    parts += model_parts(comparison, unit, details, width)
    if has_codes(comparison):
        parts += tokenizer_parts(comparison, unit, width)
    if label_names(comparison):
        parts += label_parts(comparison, unit, width)
    parts += inference_parts(comparison, unit, width)
    parts += plugin_parts(comparison, unit, width)
    if details and comparison.differences:
        parts += difference_parts(comparison, unit, width)
    shared = shared_warnings(comparison) if warnings else []
    if shared:
        said = shared if details else short_warnings(comparison)
        parts += ["", *(hanging("!", text, "yellow", 2) for text in map(warning_text, said))]
    return Group(*parts)


def model_parts(
    comparison: Comparison, unit: str, details: bool, width: int
) -> Iterator[RenderableType]:
    """The table of the models, and what its marks mean."""
    shown = shown_models(comparison)
    yield summary_table(comparison, unit, width)
    more = left_out(comparison, shown)
    if more:
        yield Text(more)
    yield ""
    said = [*mark_notes(comparison, shown), *shared_notes(comparison, unit)]
    if details:
        yield from map(note, [*frontier_notes(comparison), *shared_notes(comparison, unit)])
    else:
        yield Text(" ".join(said))


def tokenizer_parts(comparison: Comparison, unit: str, width: int) -> Iterator[RenderableType]:
    """What a generator pays for the codes, a line a model, and by how much they differ.

    Differences stand beside what differs, or where they do not fit there, below.
    """
    shown = shown_models(comparison)
    models = [comparison.names[i] for i in shown]
    together = code_columns(comparison, unit, shown)
    yield from ("", Text(code_title(comparison), style="bold"))
    if fit(models, together, width):
        yield table_of(models, [together], width)
    else:
        choices = [code_columns(comparison, unit, shown, errors, False) for errors in (True, False)]
        yield table_of(models, choices, width)
        apart = code_difference_columns(comparison, unit, shown)
        if apart:
            yield from ("", table_of(models, [apart], width))
    yield Text(code_notes(comparison))


def label_parts(comparison: Comparison, unit: str, width: int) -> Iterator[RenderableType]:
    """What the codes tell of each label, a line a model."""
    shown = shown_models(comparison)
    yield ""
    yield Text(label_title(comparison, unit), style="bold")
    columns = label_columns(comparison, unit, shown)
    yield table_of([comparison.names[i] for i in shown], [columns], width)
    notes = label_notes(comparison)
    if notes:
        yield Text(" ".join(notes))


def inference_parts(comparison: Comparison, unit: str, width: int) -> Iterator[RenderableType]:
    """What inference loses, a line a model, and by how much; nothing where nobody asked for it."""
    differences = comparison.inference_differences
    return further_parts(comparison, lost_title(unit), LOST, differences, unit, width)


def plugin_parts(comparison: Comparison, unit: str, width: int) -> Iterator[RenderableType]:
    """The rows of plugins, a line a model, and by how much they differ; nothing without any.

    Those of which the table of codes says it stand there and not here.
    """
    above = code_estimates(comparison)
    every = rows_of_plugins(dict(zip(comparison.names, comparison.reports, strict=True)))
    names = [name for name in every if name not in above]
    differences = [d for d in comparison.probed_differences if d.name in names]
    return further_parts(comparison, "Rows of plugins", names, differences, unit, width)


def further_parts(
    comparison: Comparison,
    heading: str,
    names: Sequence[str],
    differences: Sequence[Difference],
    unit: str,
    width: int,
) -> Iterator[RenderableType]:
    """A table of further estimates, a line a model, and below it one of their differences."""
    shown = shown_models(comparison)
    models = [comparison.names[i] for i in shown]
    columns = lost_columns(comparison, names, unit, shown)
    if not columns:
        return
    yield from ("", Text(heading, style="bold"), table_of(models, [columns], width))
    apart = apart_columns(comparison, differences, names, unit, shown)
    if apart:
        said = Text(apart_notes(comparison, differences))
        yield from ("", table_of(models, [apart], width), said)


def difference_parts(comparison: Comparison, unit: str, width: int) -> Iterator[RenderableType]:
    """Every difference with its error, and how it was tested."""
    yield ""
    yield Text(difference_title(comparison), style="bold")
    yield difference_table(comparison, unit, width)
    yield ""
    yield from map(note, difference_notes(comparison))


def difference_table(comparison: Comparison, unit: str, width: int) -> RenderableType:
    """A row a model: its differences, the z of its ELBO and the verdict."""
    rows = difference_rows(comparison, unit, DECIMALS[unit])
    every = range(len(comparison.names))
    other = [i for i in every if comparison.names[i] != comparison.reference]
    columns = []
    for name in differing(comparison):
        columns.append(difference_column(comparison, other, name, unit, True))
        if name == "elbo":
            columns.append(Column(heading="z", cells=[row.z for row in rows]))
    verdicts = [row.verdict for row in rows]
    heading = "ELBO is" if "elbo" in differing(comparison) else ""
    columns.append(Column(heading=heading, cells=verdicts, number=False))
    return table_of([row.name for row in rows], [columns], width)


def note(text: str) -> RenderableType:
    """A note under a table; its mark, if it has one, hangs in the margin."""
    mark, _, rest = text.partition(" ")
    return hanging(mark, rest, "bold", 2) if len(mark) == 1 else Text(text)


def comparison_to_text(
    comparison: Comparison, unit: str = "nats", details: bool = False, width: int = WIDTH
) -> str:
    """The comparison as plain text, 80 columns wide unless told otherwise.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        details: as for ``comparison_view``.
        width: columns there are.
    """
    return plain(comparison_view(comparison, unit, details=details, width=width), width)
