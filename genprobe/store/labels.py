"""The labels of a store: values of its examples that are no part of what was encoded.

They are written when the store is finished, into a copy that then takes its place: so labels can be
added or changed later, nothing is encoded again, and a kill leaves the store as it was.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from genprobe.store.intact import damaged, open_file
from genprobe.store.join import members
from genprobe.store.read import Store, open_store
from genprobe.store.run_id import partial_folder
from genprobe.store.sealed_file import write_sealed
from genprobe.store.whole import UNLABELLED
from genprobe.store.write import explain_write_errors, require_no_link, store_lock
from genprobe.types.label import Label

GROUP = "labels"


@dataclass(frozen=True, kw_only=True)
class StoredLabel:
    """A label, and whether the code should know nothing of it.

    Attributes:
        label: of every example of the store.
        leak: whether what the code says of it is a leak.
    """

    label: Label
    leak: bool = False

    def same(self, other: "StoredLabel") -> bool:
        """Whether another says the same of every example."""
        mine, theirs = self.label, other.label
        alike = (mine.name, mine.classes, self.leak) == (theirs.name, theirs.classes, other.leak)
        return alike and np.array_equal(mine.values, theirs.values)


def read_labels(store: Store) -> dict[str, StoredLabel]:
    """The labels of a store by name, in the order in which they were given.

    Raises:
        StoreError: if the store does not read, or one of them cannot be right.
    """
    with open_file(store.path) as file:
        groups = members(file, GROUP)
        shape = (store.header.n,)
        whole = {key: v for key, v in groups.items() if v.shape == shape}
        raw = {key: (dict(v.attrs), v[...]) for key, v in whole.items()}
    if groups.keys() != raw.keys():
        raise damaged(store.path, "a label is not of its examples")
    found = [parsed(store, raw[key]) for key in sorted(raw)]
    return {each.label.name: each for each in found}


def parsed(store: Store, content: tuple[dict[str, object], np.ndarray]) -> StoredLabel:
    """A label from what is stored of it.

    Raises:
        StoreError: if it is none.
    """
    facts, values = content
    try:
        classes = json.loads(str(facts["classes"]))
        label = Label(name=str(facts["name"]), values=values, classes=tuple(map(str, classes)))
        possible = values.dtype == np.int64 and values.min() >= -1
        if not possible or values.max() >= len(label.classes):
            raise ValueError(f"its label {label.name} is not of its examples")
        return StoredLabel(label=label, leak=bool(facts.get("leak", False)))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(store.path, str(error)) from error


def add_labels(path: Path, given: Iterable[StoredLabel], leaks: Sequence[str] = ()) -> None:
    """Write labels into a finished store; those of a name that it has already replace them.

    A store that has them is left as it is.

    Args:
        path: of the store.
        given: of every example.
        leaks: names of labels of the store, those before among them, that should not be known.

    Raises:
        StoreError: if it cannot be written, or another process writes it.
    """
    partial = partial_folder(path)
    with explain_write_errors(path):
        require_no_link(partial)
        partial.mkdir(exist_ok=True)
        with store_lock(partial):
            store = open_store(path)
            before = read_labels(store)
            after = before | {each.label.name: each for each in given}
            for name in leaks:
                after[name] = StoredLabel(label=after[name].label, leak=True)
            if before.keys() == after.keys() and all(after[k].same(before[k]) for k in before):
                return
            with write_sealed(path, like=path) as file:
                file.attrs[UNLABELLED] = store.unlabelled
                write_group(file, after.values(), store.header.segment)


def write_group(file: h5py.File, labels: Iterable[StoredLabel], segment: int) -> None:
    """Put labels into a file, in the place of those that it has.

    Args:
        file: open for writing.
        labels: all that it is to have.
        segment: examples a chunk.
    """
    if GROUP in file:
        del file[GROUP]
    for position, each in enumerate(labels):
        values = each.label.values
        array = file.create_dataset(
            f"{GROUP}/{position:05d}",
            data=values,
            chunks=(min(len(values), segment),),
            fletcher32=True,
            compression="gzip",
        )
        array.attrs["name"] = each.label.name
        array.attrs["classes"] = json.dumps(each.label.classes)
        array.attrs["leak"] = each.leak
