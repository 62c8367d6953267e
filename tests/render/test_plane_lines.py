import itertools

import numpy as np
import pytest

from genprobe.render.plane import Window, place_model
from genprobe.render.plane_lines import cost_line, equal_elbo_lines, round_numbers, tangent

WINDOW = Window((-1.2, 33.6), (12.0, 81.0))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-1.2, 33.6, [0, 10, 20, 30]),
        (48.0, 112.0, [60, 80, 100]),
        (0.0, 0.06, [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06]),
    ],
)
def test_round_numbers_are_all_of_one_step_between_the_ends(low, high, expected):
    assert round_numbers(low, high, 6) == pytest.approx(expected)


@pytest.mark.parametrize(
    "window", [WINDOW, Window((5.0, 5.3), (80.0, 80.2)), Window((-9, -2), (0, 1))]
)
def test_lines_of_equal_elbo_cross_the_window_and_are_told_where_they_leave_it(window):
    (left, right), (bottom, top) = window
    lines = equal_elbo_lines(window)
    assert 2 <= len(lines) <= 8
    for line in lines:
        assert [rate + distortion for rate, distortion in line.ends] == pytest.approx(
            [line.cost] * 2
        )
        assert left + bottom <= line.cost <= right + top
        above, beside = line.cost - top, line.cost - right
        assert line.at_top == (left <= above <= right)
        assert line.at_right == (bottom <= beside < top)
    assert len({round(b.cost - a.cost, 9) for a, b in itertools.pairwise(lines)}) == 1


def test_on_a_line_of_one_cost_rate_and_distortion_sum_to_it():
    assert cost_line(90.0, WINDOW.rates) == [(-1.2, 91.2), (33.6, pytest.approx(56.4))]


@pytest.mark.parametrize("slope", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("lengths", [(1.0, 1.0), (20.0, 3.0)])
def test_a_tangent_has_its_model_in_the_middle_its_slope_and_its_length_on_paper(
    make_model, slope, lengths
):
    ends = np.array(tangent(place_model(make_model("vae", 10.0, 60.0, slope=slope)), 7.0, lengths))
    np.testing.assert_allclose(ends.mean(0), [10.0, 60.0])
    across, up = ends[1] - ends[0]
    assert up == pytest.approx(-slope * across)
    assert np.hypot(*(np.array([across, up]) * lengths)) == pytest.approx(14.0)


def test_without_a_slope_there_is_no_tangent(make_model):
    assert tangent(place_model(make_model("vae", 10.0, 60.0)), 7.0, (1.0, 1.0)) is None
