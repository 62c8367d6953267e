"""Labels of the examples, from wherever the user has them: a file, an array, or the data set."""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from genprobe.datasets.covariates import read_column
from genprobe.datasets.find import places
from genprobe.datasets.label_values import as_label, of_some
from genprobe.datasets.subset import joined
from genprobe.datasets.text_tables import split_spec
from genprobe.errors import DataError, UsageError
from genprobe.runtime.near_names import hint
from genprobe.runtime.untrusted import is_absent
from genprobe.types import Dataset
from genprobe.types.label import Label

STRETCH = 4096
"""Examples whose covariates are read at a time."""


def read_labels(
    given: Mapping[str, Any],
    whole: Dataset,
    taken: Dataset,
    rows: Tensor | None,
    opened: Callable[[str], Dataset],
    known: Collection[str] = (),
) -> dict[str, Label]:
    """The labels of the examples that are evaluated.

    Args:
        given: by name, the values (n of ``whole``); or text: the name of a covariate of the data,
            or else where the values are.
        whole: the data before some examples were taken.
        taken: those that are evaluated.
        rows: which of ``whole`` they are; None if all.
        opened: how other data are opened that are named.
        known: names of labels that there are already.

    Raises:
        DataError: if one is not there, does not read, or is no label.
    """
    columns = [source for source in given.values() if isinstance(source, str)]
    own = own_columns(taken, columns)
    found = {}
    for name, source in given.items():
        if isinstance(source, str) and source in own:
            found[name] = as_label(name, own[source], taken.n)
            continue
        values = (
            source if isinstance(source, Label) else read_values(name, source, taken, opened, known)
        )
        label = as_label(name, values, whole.n)
        found[name] = label if rows is None else of_some(label, rows.numpy())
    return found


def own_columns(dataset: Dataset, names: Sequence[str]) -> dict[str, Any]:
    """Those of some covariates that a data set has, of all its examples."""
    if not names or dataset.covariates is None:
        return {}
    there = dataset.covariates(0, min(1, dataset.n))
    chosen = [name for name in names if name in there]
    if not chosen:
        return {}
    stretches = range(0, dataset.n, STRETCH)
    parts = [dataset.covariates(a, min(a + STRETCH, dataset.n)) for a in stretches]
    return {name: joined([part[name] for part in parts]) for name in chosen}


def read_values(
    name: str,
    source: Any,
    dataset: Dataset,
    opened: Callable[[str], Dataset],
    known: Collection[str],
) -> Any:
    """The values that a source stands for; those in memory as they are, with None among them.

    Raises:
        DataError: if it is text, and neither a covariate nor data that are there.
    """
    if not isinstance(source, str | Path):
        return source
    text = str(source)
    if not re.search(r"[./\\:]", text) and all(is_absent(path) for path in places(text)):
        there = {} if dataset.covariates is None else dataset.covariates(0, min(1, dataset.n))
        others = [each for each in known if each != text]
        labels = f"Labels: {', '.join(others)}. " if others else ""
        raise DataError(
            f"There is no label {text!r}: no covariate of the data has that name, and no file.",
            f"{hint(text, [*others, *there])}{labels}Covariates: {', '.join(there) or 'none'}. "
            f"To name a file: {name}=FILE.",
        )
    return read_column(source, opened)


def parse_label(text: str) -> tuple[str, str]:
    """The name and the source of a label in one word, ``[NAME=]SOURCE``.

    Without a name it is that of the column or array, or of the file.

    Raises:
        UsageError: if there is no name or no source.

    Example:
        >>> parse_label("digit=labels.npy"), parse_label("cells.csv:batch"), parse_label("batch")
        (('digit', 'labels.npy'), ('batch', 'cells.csv:batch'), ('batch', 'batch'))
    """
    name, equals, source = text.partition("=")
    if not equals or os.sep in name or os.path.exists(text):
        name, source = name_of(text), text
    if not name.strip() or not source.strip():
        raise UsageError(
            f"A label cannot be read from {text!r}.",
            "Give [NAME=]SOURCE, such as digit=labels.npy, or the name of a covariate of the data.",
        )
    return name.strip(), source.strip()


def name_of(source: str) -> str:
    """What a label is called that has no other name: as its array, its column or its file."""
    location, column = split_spec(source)
    if column is not None:
        return column
    location, _, key = location.partition("::")
    if key:
        return key.rpartition("/")[2]
    file = Path(location).name.partition(":")[2] or Path(location).name
    return re.sub(r"(-idx\d*.*)?(\.\w+)*$", "", file) or file
