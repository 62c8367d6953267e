"""Labels whose information is known: classes that are normals, independent labels, and leaks."""

import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor

import genprobe
from genprobe.plugins import plugins
from genprobe.report.labels import LabelReport
from genprobe.runtime.seeds import generator
from validation.audit import Study
from validation.results import Row

POSTERIOR = 0.4
"""Variance of each posterior; codes of one class have a variance of 1 in all."""
NODES = 80
CLASSES = 4


def centres(apart: float) -> Tensor:
    """The means of four classes (4, 2), on a circle."""
    angle = torch.arange(CLASSES).double() * (2 * math.pi / CLASSES)
    return apart * torch.stack([angle.cos(), angle.sin()], 1)


@cache
def information_of_normals(apart: float) -> float:
    """I(Y;Z) of four equally frequent classes, normals of variance 1, by quadrature."""
    return information(centres(apart))


def information(means: Tensor) -> float:
    """I(Y;Z) of equally frequent classes that are normals of variance 1 in two dimensions.

    Args:
        means: (c, 2).
    """
    nodes, weights = (torch.from_numpy(v) for v in np.polynomial.hermite_e.hermegauss(NODES))
    grid = torch.cartesian_prod(nodes, nodes)
    weight = torch.cartesian_prod(weights, weights).prod(1) / (2 * math.pi)
    total = 0.0
    for own in range(len(means)):
        z = means[own] + grid
        logs = -(z[:, None] - means).square().sum(2) / 2
        total += float((weight * logs.log_softmax(1)[:, own]).sum()) + math.log(len(means))
    return total / len(means)


def labelled_report(
    means: Tensor, seed: int, *, n: int, leaks: tuple[str, ...] = (), classes: int | None = None
) -> LabelReport:
    """The report of a label whose classes are normals about some means.

    Args:
        means: (c, k).
        seed: of the data.
        n: number of examples.
        leaks: names of labels that the code should not know.
        classes: of a label that is independent of the code, in the place of the true one.
    """
    random = generator(seed, "validation", "labels")
    y = torch.randint(len(means), (n,), generator=random)
    noise = torch.randn(n, means.shape[1], generator=random, dtype=torch.float64)
    loc = means[y] + math.sqrt(1 - POSTERIOR) * noise
    if classes is not None:
        y = torch.randint(classes, (n,), generator=random)
    scale = torch.full_like(loc, math.sqrt(POSTERIOR))
    report = genprobe.evaluate_posteriors(
        {"loc": loc, "scale": scale},
        labels={"y": y.numpy()},
        leaks=leaks,
        estimators={"mutual_information": plugins().get("estimators", "mutual_information")},
        seed=seed,
        device="cpu",
        tolerance=0.1,
    )
    return report.labels["y"]


def bounds(seed: int, n: int, apart: float, classes: int | None = None) -> Row:
    """Both ends of the bracket of I(Y;Z), the test for a leak, and the truth.

    Args:
        seed: of the data.
        n: number of examples.
        apart: how far the classes are from the middle.
        classes: of a label that is independent of the code; by default the label is the true one.
    """
    leaks = () if classes is None else ("y",)
    report = labelled_report(centres(apart), seed, n=n, leaks=leaks, classes=classes)
    lower, upper = report["label_information"], report["label_information_upper"]
    return {
        "truth": information_of_normals(apart) if classes is None else 0.0,
        "entropy": math.log(classes or CLASSES),
        "index": report["label_information_index"].value,
        "lower": [lower.value, lower.se_data],
        "upper": [upper.value, upper.se_data],
        "candidate": report.candidate,
        **verdict_of(report),
    }


def verdict_of(report: LabelReport) -> Row:
    """The test for a leak and what was stated, where there was one."""
    leak = report.leak
    if leak is None:
        return {}
    return {"p_value": leak.p_value, "power": leak.power, "found": leak.found}


def leaking(seed: int, n: int) -> Row:
    """Whether a leak as large as the power that is stated without one is found."""
    apart = smallest_shift(n)
    means = torch.tensor([[apart / 2, 0.0], [-apart / 2, 0.0]]).double()
    return verdict_of(labelled_report(means, seed, n=n, leaks=("y",)))


@cache
def smallest_shift(n: int) -> float:
    """How far two classes are apart whose information is the power stated for so many examples."""
    stated = [bounds(seed, n, 0.0, 2)["power"] for seed in range(20)]
    wanted = sum(stated) / len(stated)
    low, high = 0.0, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        means = torch.tensor([[middle / 2, 0.0], [-middle / 2, 0.0]]).double()
        low, high = (middle, high) if information(means) < wanted else (low, middle)
    return low


def gap(seed: int, n: int) -> Row:
    """The mutual information gap of three dimensions, two of which tell a label of two classes."""
    shifts = torch.tensor([1.2, 0.7, 0.0]).double()
    report = labelled_report(torch.stack([-shifts, shifts]), seed, n=n)
    found = report["label_gap"]
    return {"truth": gap_of(*shifts[:2].tolist()), "gap": [found.value, found.se_data]}


@cache
def gap_of(first: float, second: float) -> float:
    """The gap of two shifts of a label of two classes, by quadrature."""
    ends = [information(torch.tensor([[-a, 0.0], [a, 0.0]]).double()) for a in (first, second)]
    return (ends[0] - ends[1]) / math.log(2)


def label_studies() -> Iterator[Study]:
    """Every study of labels."""
    for apart in (0.5, 1.0, 2.0, 4.0):
        yield Study(name=f"label-bounds-{apart:g}", run=partial(bounds, n=2000, apart=apart))
    for classes in (2, 10):
        run = partial(bounds, n=2000, apart=2.0, classes=classes)
        yield Study(name=f"label-independent-{classes}", run=run)
    run = partial(bounds, n=300, apart=2.0, classes=3)
    yield Study(name="label-null-300", run=run, seeds=0.5)
    yield Study(name="label-leak-1000", run=partial(leaking, n=1000), seeds=0.5)
    yield Study(name="label-gap", run=partial(gap, n=2000))
