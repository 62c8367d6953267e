"""Which of several models on the rate-distortion plane no other, and no mixture of them, beats."""

from collections.abc import Sequence

from genprobe.report import Report


def on_the_plane(reports: Sequence[Report]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions on the Pareto frontier and on its convex part, of the models with R and D."""
    known = [i for i, r in enumerate(reports) if {"rate", "distortion"} <= r.estimates.keys()]
    points = [(reports[i]["rate"].value, reports[i]["distortion"].value) for i in known]
    return tuple(known[i] for i in frontier(points)), tuple(known[i] for i in hull(points))


def frontier(points: Sequence[tuple[float, float]]) -> list[int]:
    """The Pareto frontier: positions of the points that none other equals or beats in both.

    Of points that are the same, the first stands.

    Args:
        points: (rate, distortion) of each model, nats.

    Returns:
        Positions in ``points``, from the lowest rate to the highest.

    >>> frontier([(20.0, 40.0), (5.0, 90.0), (10.0, 70.0), (12.0, 75.0), (15.0, 69.0)])
    [1, 2, 4, 0]
    """
    ranked = sorted(range(len(points)), key=lambda i: (*points[i], i))
    found: list[int] = []
    for i in ranked:
        if not found or points[i][1] < points[found[-1]][1]:
            found.append(i)
    return found


def hull(points: Sequence[tuple[float, float]]) -> list[int]:
    """The convex part of the frontier: what time-sharing between models cannot beat.

    Choosing at random between two models gives every point on the line between theirs, and so the
    best reachable distortion is a convex function of the rate (Cover & Thomas 2006, lemma 10.4.1).

    Args:
        points: (rate, distortion) of each model, nats.

    Returns:
        Positions in ``points``, from the lowest rate to the highest; a part of ``frontier``.

    >>> hull([(20.0, 40.0), (5.0, 90.0), (10.0, 70.0), (12.0, 75.0), (15.0, 69.0)])
    [1, 2, 0]
    """
    found: list[int] = []
    for i in frontier(points):
        while len(found) > 1 and not bends(points[found[-2]], points[found[-1]], points[i]):
            found.pop()
        found.append(i)
    return found


def bends(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies below the line from a to c."""
    return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0])
