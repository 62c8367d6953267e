import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from genprobe.render.figure.labels import Obstacles, label_points, obstacles_of, place_labels
from genprobe.render.figure.style import drawing

FRAME = np.array([0.0, 0.0, 600.0, 500.0])
NOTHING = Obstacles(boxes=np.zeros((0, 4)), costs=np.zeros(0), frame=FRAME)
SIZE = (60.0, 12.0)


def boxes(centres, sizes):
    placed = [(c, s) for c, s in zip(centres, sizes, strict=True) if c is not None]
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in placed]


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@given(
    st.lists(
        st.tuples(st.floats(0, 600), st.floats(0, 500), st.floats(5, 150), st.floats(5, 30)),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_two_labels_overlap_and_all_are_inside_wherever_the_points_are(points):
    anchors = np.array([p[:2] for p in points])
    sizes = [p[2:] for p in points]
    placed = boxes(place_labels(sizes, anchors, NOTHING, 1.0), sizes)
    assert not any(overlap(a, b) for a, b in itertools.combinations(placed, 2))
    assert all(x0 >= 0 and y0 >= 0 and x1 <= 600 and y1 <= 500 for x0, y0, x1, y1 in placed)


def test_labels_of_one_point_go_around_it():
    found = place_labels([SIZE] * 12, np.full((12, 2), 250.0), NOTHING, 1.0)
    assert None not in found
    assert len(set(found)) == 12


def test_a_label_alone_is_beside_its_point_up_and_to_the_right():
    [(x, y)] = place_labels([SIZE], np.array([[300.0, 250.0]]), NOTHING, 1.0)
    assert 300 < x - 30 < 310
    assert 250 < y - 6 < 260


@pytest.mark.parametrize("corner", [(0, 0), (600, 0), (0, 500), (600, 500)])
def test_in_a_corner_it_turns_inwards(corner):
    [(x, y)] = place_labels([SIZE], np.array([corner], float), NOTHING, 1.0)
    assert 30 <= x <= 570
    assert 6 <= y <= 494


def test_it_keeps_off_what_is_dear_to_cover():
    taken = np.array([[300.0, 250.0, 400.0, 300.0]])
    dear = Obstacles(boxes=taken, costs=np.array([20.0]), frame=FRAME)
    [(x, y)] = place_labels([SIZE], np.array([[300.0, 250.0]]), dear, 1.0)
    assert not overlap((x - 30, y - 6, x + 30, y + 6), taken[0])


@pytest.fixture
def axes():
    with drawing():
        figure = Figure(figsize=(3, 3))
        FigureCanvasAgg(figure)
        found = figure.subplots()
        figure.draw_without_rendering()
    return found


def test_a_bold_name_is_written_so_and_keeps_the_room_it_takes(axes):
    names, points = ["mmmmmmmm"] * 3, [(0.5, 0.5)] * 3
    with drawing():
        notes = label_points(axes, names, points, obstacles_of(axes, points, ()), bold=[1])
    assert [note.get_fontweight() for note in notes] == ["normal", "bold", "normal"]
    places = []
    for note in notes:
        note.update_positions(axes.figure.canvas.get_renderer())
        places.append(Text.get_window_extent(note))
    assert places[1].width > places[0].width
    assert not any(a.overlaps(b) for a, b in itertools.combinations(places, 2))


def test_lines_of_the_kinds_named_are_obstacles_all_along_and_markers_dearer(axes):
    axes.plot([0, 1], [0, 1], gid="hull", scalex=False, scaley=False)
    axes.plot([0, 1], [1, 0], gid="other", scalex=False, scaley=False)
    found = obstacles_of(axes, [(0.5, 0.5)], ("hull",))
    middles = axes.transData.inverted().transform((found.boxes[:, :2] + found.boxes[:, 2:]) / 2)
    np.testing.assert_allclose(middles[:, 0], middles[:, 1], atol=1e-9)
    assert np.diff(np.sort(middles[1:, 0])).max() < 0.02
    assert found.costs[0] > found.costs[1:].max() > 0


def test_a_label_that_fits_nowhere_is_left_out():
    assert place_labels([(700.0, 10.0)], np.array([[300.0, 250.0]]), NOTHING, 1.0) == [None]
