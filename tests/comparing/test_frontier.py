"""The frontier by its definition, and the hull by scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from genprobe.comparing.frontier import frontier, hull

whole = st.integers(0, 12).map(float)
clouds = st.lists(st.tuples(whole, whole), min_size=1, max_size=20)


def beats(a, b):
    """Whether a is at least as good as b in both, and not the same."""
    return a != b and a[0] <= b[0] and a[1] <= b[1]


@given(clouds)
def test_the_frontier_is_what_no_other_point_beats(points):
    found = frontier(points)
    best = {p for p in points if not any(beats(other, p) for other in points)}
    assert {points[i] for i in found} == best
    assert len(found) == len(best)
    assert found == sorted(found, key=lambda i: points[i])


@pytest.mark.parametrize("seed", range(5))
def test_the_hull_is_the_lower_left_part_of_scipys(seed):
    points = np.random.default_rng(seed).normal(size=(40, 2))
    lowest_rate, lowest_distortion = points.argmin(0)
    corners = [
        i
        for i in ConvexHull(points).vertices
        if points[i, 0] <= points[lowest_distortion, 0] and points[i, 1] <= points[lowest_rate, 1]
    ]
    # Of the hull's corners, those on its lower left side lie below the line between the two ends.
    a, b = points[lowest_rate], points[lowest_distortion]
    below = [i for i in corners if np.linalg.det([b - a, points[i] - a]) <= 1e-12]
    assert hull([tuple(p) for p in points]) == sorted(below, key=lambda i: points[i, 0])


def test_a_point_on_the_line_between_two_others_is_no_corner():
    points = [(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)]
    assert frontier(points) == [0, 1, 2]
    assert hull(points) == [0, 2]


def test_of_points_that_are_the_same_the_first_stands():
    assert frontier([(1.0, 1.0), (1.0, 1.0)]) == hull([(1.0, 1.0), (1.0, 1.0)]) == [0]
