"""Columns of text tables: ``cells.csv:batch``, ``cells.tsv:batch``."""

import csv
import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from genprobe.datasets.find import find_file
from genprobe.errors import DataError
from genprobe.runtime.near_names import hint
from genprobe.runtime.untrusted import MOST_PACKED, reading

TABLE = re.compile(r"(?P<path>.+?\.(?:csv|tsv)(?:\.gz)?)(?::{1,2}(?P<column>.+))?", re.IGNORECASE)
WHOLE = re.compile(r"-?(0|[1-9]\d{0,15})")
NUMBER = re.compile(rf"{WHOLE.pattern}(\.\d*)?([eE][+-]?\d{{1,2}})?")
BLANK = ("", "NA", "N/A", "#N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "NaT")
"""Cells that stand for a missing value: those that pandas reads so and programs write."""
LISTED = 20
"""Columns that an error names."""


def names_table(spec: str) -> bool:
    """Whether a path is that of a text table, perhaps with a column behind it.

    Example:
        >>> names_table("cells.csv:batch"), names_table("cells.npy")
        (True, False)
    """
    return TABLE.fullmatch(spec) is not None


def open_text_column(spec: str) -> np.ndarray:
    """The column of a text table: numbers if all are, NaN where a row has none; else text.

    The first row has the names of the columns. A comma is between them, a tab in .tsv, or where the
    first row has no comma, a semicolon or a tab.

    Args:
        spec: ``PATH:COLUMN``; the path alone if the table has one column.

    Raises:
        DataError: if the table is missing or unreadable, has no such column or several, or a row
            has more cells than there are columns.
    """
    location, column = split_spec(spec)
    path = find_file(location)
    with reading(path, "a table of text", error=DataError):
        rows = list(rows_of(path))
    header = rows[0] if rows else []
    at = position_of(path, header, column)
    require_no_more_cells(path, rows)
    alone = len(header) == 1  # an empty line is a row with nothing in its one column
    return numbers_or_text([row[at] if at < len(row) else "" for row in rows[1:] if row or alone])


def numbers_or_text(cells: list[str]) -> np.ndarray:
    """Cells as whole numbers or float64 where all that are not blank are such, else as text.

    Codes with zeros before them stay text.

    Example:
        >>> numbers_or_text(["2", "10"]), numbers_or_text(["2", ""]), numbers_or_text(["02", "10"])
        (array([ 2, 10]), array([ 2., nan]), array(['02', '10'], dtype='<U2'))
    """
    known = [cell.strip() for cell in cells if cell.strip() not in BLANK]
    if not known or not all(NUMBER.fullmatch(cell) for cell in known):
        return np.array(cells, str)
    if len(known) == len(cells) and all(WHOLE.fullmatch(cell) for cell in known):
        return np.array([int(cell) for cell in known])
    return np.array([np.nan if cell.strip() in BLANK else float(cell) for cell in cells])


def split_spec(spec: str) -> tuple[str, str | None]:
    """The path and the column that a spec names.

    Example:
        >>> split_spec("runs/cells.csv:cell type")
        ('runs/cells.csv', 'cell type')
    """
    found = TABLE.fullmatch(spec)
    return (spec, None) if found is None else (found["path"], found["column"])


def rows_of(path: Path) -> Iterator[list[str]]:
    """The rows of a table, plain or gzipped."""
    text = content_of(path)
    first = text.partition("\n")[0]
    separator = (
        "\t" if ".tsv" in path.name.lower() else next((c for c in ",;\t" if c in first), ",")
    )
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def content_of(path: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: if a gzipped one would be larger than deflate can make it.
    """
    if path.suffix.lower() != ".gz":
        return str(path.read_bytes(), "utf-8-sig")
    most = path.stat().st_size * MOST_PACKED
    with gzip.open(path) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise ValueError(f"it claims more than {most} bytes")
    return str(found, "utf-8-sig")


def require_no_more_cells(path: Path, rows: list[list[str]]) -> None:
    """Check that no row has more cells than there are columns: its values would be of others.

    Raises:
        DataError: naming the first that has.
    """
    columns = len(rows[0]) if rows else 0
    for number, row in enumerate(rows, 1):
        if any(cell.strip() for cell in row[columns:]):
            raise DataError(
                f"Row {number} of {path} has {len(row)} cells, and its first row names {columns} "
                "columns.",
                "Put text with a separator in it into quotes, and give every column a name.",
            )


def position_of(path: Path, header: list[str], column: str | None) -> int:
    """Which column is meant.

    Raises:
        DataError: if none is named and there are several, or there is none of that name or more
            than one.
    """
    if column is None and len(header) == 1:
        return 0
    exact = [i for i, name in enumerate(header) if name == column]
    meant = exact or [i for i, name in enumerate(header) if name.strip() == column]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise DataError(
            f"{path} has {len(meant)} columns called {column!r}.", "Give each a name of its own."
        )
    more = f" and {len(header) - LISTED} more" if len(header) > LISTED else ""
    problem = f"{len(header)} columns" if column is None else f"no column {column!r}"
    raise DataError(
        f"{path} has {problem}; it has {', '.join(header[:LISTED]) or 'none'}{more}.",
        f"{hint(column, header)}Name one: {path}:COLUMN.",
    )
