"""The warnings of several models: each once, with the names of the models it is of."""

from genprobe.comparison import Comparison
from genprobe.render.comparison_rows import some
from genprobe.types import Notice


def shared_warnings(comparison: Comparison) -> list[Notice]:
    """Every warning that a model has, in the order in which models have them.

    Args:
        comparison: of the models.
    """
    found: dict[tuple[str, str], list[tuple[int, Notice]]] = {}
    for i, report in enumerate(comparison.reports):
        for notice in report.warnings:
            found.setdefault((notice.code, notice.remedy), []).append((i, notice))
    return [gathered(comparison, dict(given)) for given in found.values()]


def gathered(comparison: Comparison, given: dict[int, Notice]) -> Notice:
    """One warning of one model or several, whose own numbers are left to their tables.

    Args:
        comparison: of the models.
        given: what each has, by its position.
    """
    first, *others = given.values()
    every = len(given) == len(comparison.reports) > 1
    who = "all models" if every else some(comparison, list(given))
    said = f" {first.message}" if all(o.message == first.message for o in others) else ""
    return Notice(code=first.code, message=f"{who}.{said}", remedy=first.remedy)
