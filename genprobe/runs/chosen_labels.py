"""The labels that a user chose for an evaluation, and writing them into its store."""

import contextlib
import logging
import os
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genprobe.analysis.options import Options
from genprobe.datasets.labels import read_labels
from genprobe.datasets.subset import chosen_rows
from genprobe.errors import StoreError, UsageError
from genprobe.loaders.open import find_dataset
from genprobe.runtime.ranks import Ranks, barrier
from genprobe.store.labels import StoredLabel, add_labels
from genprobe.store.labels import read_labels as stored_labels
from genprobe.store.read import Store, open_store
from genprobe.types import Dataset
from genprobe.types.label import Label


@dataclass(frozen=True, kw_only=True)
class ChosenLabels:
    """Labels to be put into a store.

    Attributes:
        given: of every example that is evaluated.
        leaks: names of labels that the store has already, of which the code should know nothing.
    """

    given: Sequence[StoredLabel] = ()
    leaks: Sequence[str] = ()


log = logging.getLogger("genprobe")

NO_LABELS = ChosenLabels()


def choose_labels(options: Options, whole: Dataset, taken: Dataset, path: Path) -> ChosenLabels:
    """Read the labels that were asked for, before anything is encoded.

    Args:
        options: what the user chose.
        whole: the data before some examples were taken.
        taken: those that are evaluated.
        path: of the store, which may have labels already.

    Raises:
        GenprobeError: if one is not there, does not read, or is no label.
    """
    leaks = by_name("leaks", options.leaks)
    if not leaks and not by_name("labels", options.labels):
        return NO_LABELS
    before = labels_before(path, options.fresh)
    found = labels_asked(options.labels, leaks, whole, taken, seed=options.seed, before=before)
    return ChosenLabels(
        given=[StoredLabel(label=each, leak=name in leaks) for name, each in found.items()],
        leaks=[name for name in leaks if name not in found],
    )


def labels_asked(
    labels: Any,
    leaks: Any,
    whole: Dataset,
    taken: Dataset,
    *,
    seed: int,
    before: Collection[str] = (),
) -> dict[str, Label]:
    """Every label that was asked for, of the examples that are evaluated.

    Args:
        labels: as ``evaluate`` takes them.
        leaks: as ``evaluate`` takes them; those that are only names are looked for among the
            labels, those before, the covariates of the data and its files.
        whole: the data before some examples were taken.
        taken: those that are evaluated.
        seed: that they were drawn with.
        before: names of the labels that the store has already.

    Raises:
        GenprobeError: if one is not there, does not read, or is no label.
    """
    wanted = by_name("labels", labels)
    known = [*wanted, *(name for name in before if name not in wanted)]
    further = {
        name: source
        for name, source in by_name("leaks", leaks).items()
        if not (named_only(name, source) and name in known)
    }
    for name in wanted.keys() & further.keys():
        require_same_source(name, wanted[name], further[name])
    sources = wanted | further
    rows = None if taken is whole else chosen_rows(whole, taken.n, seed)
    return read_labels(sources, whole, taken, rows, lambda spec: find_dataset(spec, None), known)


def require_same_source(name: str, label: Any, leak: Any) -> None:
    """Check that a label and a leak of one name are one thing.

    Raises:
        UsageError: if they are not.
    """
    if not (label is leak or (isinstance(label, str | Path) and str(label) == str(leak))):
        raise UsageError(
            f"A label and a leak are called {name}, of two sources.",
            f"Give the source once, with the label; the leak is {name} alone.",
        )


def named_only(name: str, source: Any) -> bool:
    """Whether a source says no more than a name that may be known."""
    return isinstance(source, str) and source == name


def by_name(option: str, given: Any) -> dict[str, Any]:
    """Labels by name, of a mapping or of names alone.

    Raises:
        UsageError: if they are neither.

    Example:
        >>> by_name("leaks", ["batch"]), by_name("leaks", "batch")
        ({'batch': 'batch'}, {'batch': 'batch'})
    """
    if given is None:
        return {}
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping) or hasattr(given, "items"):
        found = {str(name): source for name, source in given.items()}
    elif isinstance(given, Sequence | Set) and all(isinstance(name, str) for name in given):
        found = {name: name for name in (sorted(given) if isinstance(given, Set) else given)}
    else:
        raise UsageError(
            f"{option} cannot be a {type(given).__name__}.",
            f'Give values by name: {option}={{"digit": y}}.',
        )
    if not all(name.strip() for name in found):
        raise UsageError(f"A label of {option} has no name.", "Give it one.")
    return found


def labels_before(path: Path, fresh: bool) -> dict[str, StoredLabel]:
    """The labels that a finished store has, if it is one and stays."""
    if not fresh and os.path.exists(path):
        with contextlib.suppress(StoreError):  # whoever uses the store says what is wrong with it
            return stored_labels(open_store(path))
    return {}


def warn_of_lost_labels(options: Options, path: Path) -> None:
    """Log which labels go with the old store of a run that encodes anew.

    Args:
        options: what the user chose.
        path: of the store.
    """
    if not options.fresh:
        return
    asked = {**by_name("labels", options.labels), **by_name("leaks", options.leaks)}
    lost = [name for name in labels_before(path, fresh=False) if name not in asked]
    if lost:
        log.warning(
            "%s is encoded anew, without its labels %s: give them again.", path, ", ".join(lost)
        )


def labelled(store: Store, chosen: ChosenLabels, ranks: Ranks) -> Store:
    """A finished store with the labels that were chosen.

    Args:
        store: finished.
        chosen: to be added.
        ranks: the group, whose rank 0 writes.

    Raises:
        StoreError: if it cannot be written.
    """
    if not chosen.given and not chosen.leaks:
        return store
    with barrier(ranks):
        if ranks.leads:
            add_labels(store.path, chosen.given, chosen.leaks)
    with barrier(ranks):
        return open_store(store.path)
