"""What estimates are called at the head of a column."""

from genprobe.estimators.catalog import CATALOG, row_of

COLUMNS = {name: row.heading for name, row in CATALOG.items() if row.compared}
"""The estimates that every comparison shows, in their order."""
SPELT = {name: row.caption or row.label for name, row in CATALOG.items() if row.compared}
"""The same where there is room for words."""
ERRORS = ("± Monte Carlo", "± data")
"""Of the two standard errors of an estimate: for these very examples, and for the population."""


def heading_of(name: str) -> str:
    """What the head of a column calls an estimate, in ten characters or so."""
    return row_of(name).heading
