"""The rows of the report and the regimes as tables, for a page that has a mark in their place."""

from collections.abc import Iterable

from sphinx.application import Sphinx


def rows() -> Iterable[tuple[str, str]]:
    """Every row that tables show, and what it says."""
    from genprobe.estimators.catalog import CATALOG

    return [(row.label.strip(), row.meaning) for row in CATALOG.values() if not row.hidden]


def regimes() -> Iterable[tuple[str, str]]:
    """Every regime, and what a model of it does."""
    from genprobe.analysis.regimes import MEANING

    return MEANING.items()


TABLES = {
    "<!-- rows -->": ("row", "what it says", rows),
    "<!-- regimes -->": ("regime", "the model", regimes),
}


def replace_marks(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the tables in the place of their marks."""
    for mark, (first, second, pairs) in TABLES.items():
        if mark in source[0]:
            cells = [(first, second), (":--", ":--"), *pairs()]
            lines = [
                "| " + " | ".join(c.replace("|", r"\|") for c in pair) + " |" for pair in cells
            ]
            source[0] = source[0].replace(mark, "\n".join(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at each page before it is parsed."""
    app.connect("source-read", replace_marks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
