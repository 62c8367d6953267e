"""What a store says of labels besides what the code does: who else knows them."""

import dataclasses
from collections.abc import Collection, Iterable

import torch

from genprobe.analysis.withheld import stated
from genprobe.errors import UsageError
from genprobe.report.labels import LabelReport
from genprobe.runtime.near_names import hint
from genprobe.store.labels import StoredLabel, read_labels
from genprobe.store.read import Store
from genprobe.types.label import Label


def asked_labels(store: Store, leaks: Collection[str] = ()) -> list[StoredLabel]:
    """The labels of a store, some of them asked about as leaks besides those that are marked there.

    Args:
        store: finished; it stays as it is.
        leaks: their names.

    Raises:
        UsageError: if it has no label of such a name.
    """
    known = read_labels(store)
    names = [leaks] if isinstance(leaks, str) else leaks
    for name in names:
        if name not in known:
            there = f"It has {', '.join(known)}." if known else "It has none."
            raise UsageError(
                f"{store.path} has no label {name!r}.",
                f"{hint(name, known)}{there} Others are added by evaluate --labels.",
            )
    marked = {name: dataclasses.replace(known[name], leak=True) for name in names}
    return list({**known, **marked}.values())


def as_stated(label: LabelReport, observations: int) -> LabelReport:
    """A label without the errors over the data that so few examples do not support.

    Args:
        label: as it was estimated.
        observations: how many distinct examples there are in all.
    """
    n = min(label.n, observations)
    dimensions = [
        dataclasses.replace(
            each,
            information=stated({"": each.information}, n)[""],
            leave_one_out=stated({"": each.leave_one_out}, n)[""],
        )
        for each in label.dimensions
    ]
    return dataclasses.replace(
        label, estimates=stated(label.estimates, n), dimensions=tuple(dimensions)
    )


def given_to_model(store: Store, labels: Iterable[StoredLabel]) -> list[str]:
    """The labels that a conditional model is given, so that its code need not tell them.

    They are those that the context decides: it takes a few values, and examples of one value have
    one label. A context of many values, such as one with a measured size, decides everything, and
    only names tell.

    Args:
        store: finished.
        labels: of the store.
    """
    context, hashes = store.header.context, store.example_hashes()
    if not context or hashes is None:
        return []
    which = torch.unique(hashes[:, -2:], dim=0, return_inverse=True)[1]
    few = 2 * (int(which.max()) + 1) <= len(which)
    return [
        each.label.name
        for each in labels
        if each.label.name in context or (few and decides(which, each.label))
    ]


def decides(which: torch.Tensor, label: Label) -> bool:
    """Whether all examples of one value (n,) have one class of a label, as far as it is known."""
    values = torch.from_numpy(label.values)
    known = values >= 0
    pairs = torch.stack([which[known], values[known]], 1)
    return len(torch.unique(pairs, dim=0)) == len(torch.unique(which[known]))
