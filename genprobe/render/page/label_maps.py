"""What the code says of labels, as the page draws it: a heat map, and where the classes lie."""

from collections.abc import Sequence
from dataclasses import dataclass

from genprobe.report import Report
from genprobe.report.labels import LabelDimension, LabelReport

SHOWN = 16
"""Dimensions of the heat map, those that tell most of any label."""
MOST_CLASSES = 24
"""Classes whose means are drawn."""
SIDE, MARGIN = 220, 24
"""Of the picture of means, pixels."""


@dataclass(frozen=True, kw_only=True)
class Heat:
    """What one dimension tells of a label.

    Attributes:
        nats: I(y;z_j) for these N.
        share: of H(y), from 0 to 1.
    """

    nats: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Mean:
    """Where a class lies, pixels from the upper left."""

    x: float
    y: float
    name: str


@dataclass(frozen=True, kw_only=True)
class ClassMeans:
    """The classes of a label in the two dimensions that tell most of it.

    Attributes:
        label: its name.
        across: the dimension of the horizontal axis.
        up: that of the vertical axis.
        means: of its classes.
    """

    label: str
    across: int
    up: int
    means: Sequence[Mean]


@dataclass(frozen=True, kw_only=True)
class LabelMaps:
    """What the page draws of the labels of a model.

    Attributes:
        dimensions: the columns of the heat map; empty where there is none.
        rows: of the heat map by label, None where a label has no such dimension.
        means: a picture a label.
    """

    dimensions: Sequence[int]
    rows: Sequence[tuple[str, Sequence[Heat | None]]]
    means: Sequence[ClassMeans]


def label_maps(report: Report) -> LabelMaps:
    """What the page draws of a report's labels."""
    told: dict[int, float] = {}
    rows = []
    for label in report.labels.values():
        heats = {d.index: heat(label, d) for d in label.dimensions}
        rows.append((label.name, heats))
        for index, one in heats.items():
            told[index] = max(told.get(index, 0.0), one.share)
    most = sorted(sorted(told), key=lambda index: -told[index])[:SHOWN]
    means = [class_means(label) for label in report.labels.values()]
    return LabelMaps(
        dimensions=most,
        rows=[(name, [heats.get(index) for index in most]) for name, heats in rows],
        means=[each for each in means if each is not None],
    )


def heat(label: LabelReport, dimension: LabelDimension) -> Heat:
    """What one dimension tells of a label."""
    entropy, nats = label.estimates["label_entropy"].value, dimension.information.value
    return Heat(nats=nats, share=min(1.0, max(0.0, nats / entropy)) if entropy > 0 else 0.0)


def class_means(label: LabelReport) -> ClassMeans | None:
    """The means of the classes in the two dimensions that tell most; None where there are not two.

    The same scale across and up, so that distances compare.
    """
    told = sorted(label.dimensions, key=lambda d: -d.information.value)[:2]
    if len(told) < 2:
        return None
    known = [
        (x, y, name)
        for x, y, name in zip(*(d.class_means for d in told), label.classes, strict=True)
        if x is not None and y is not None
    ][:MOST_CLASSES]
    if not known:
        return None
    spans = [[point[axis] for point in known] for axis in (0, 1)]
    width = max(max(values) - min(values) for values in spans) or 1.0
    middle = [(max(values) + min(values)) / 2 for values in spans]

    def place(value: float, axis: int) -> float:
        return float((SIDE - 2 * MARGIN) * (value - middle[axis]) / width)

    return ClassMeans(
        label=label.name,
        across=told[0].index,
        up=told[1].index,
        means=[
            Mean(x=round(SIDE / 2 + place(x, 0), 1), y=round(SIDE / 2 - place(y, 1), 1), name=name)
            for x, y, name in known
        ],
    )
