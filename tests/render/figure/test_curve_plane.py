import numpy as np
import pytest
from matplotlib.figure import Figure

from genprobe.render.ellipse import ellipse
from genprobe.render.figure.curve_plane import (
    close_up,
    curve_entries,
    draw_curves,
    label_betas,
    place_curves,
)
from genprobe.render.figure.style import MARKERS, drawing
from genprobe.render.plane import place_model


@pytest.fixture
def draw(make_sweep):
    """Axes of the plane of a sweep."""

    def start(*arguments, scale=1.0):
        sweep = make_sweep(*arguments)
        curves = place_curves(sweep.sides, scale)
        with drawing():
            figure = Figure(figsize=(4, 3))
            axes = figure.subplots()
            draw_curves(axes, sweep.betas, curves, "nats")
            figure.draw_without_rendering()
            label_betas(axes, sweep.betas, curves)
        return axes

    return start


def lines(axes, kind):
    """The points of the lines of one kind."""
    return [line.get_xydata().tolist() for line in axes.lines if line.get_gid() == kind]


TRAINING = [(8.0, 60.0), (5.0, 62.0), (2.0, 66.5)]
HELD_OUT = [(8.1, 62.0), (5.0, 63.0), (2.0, 67.0)]


def test_there_is_a_curve_of_each_side_through_its_points(draw):
    axes = draw()
    for side, points in (("training", TRAINING), ("held-out", HELD_OUT)):
        assert lines(axes, side) == [[list(point) for point in points]]


def test_a_model_is_marked_by_its_regime_and_hollow_on_held_out_data(draw):
    marks = {
        side: [line.get_marker() for line in draw().lines if line.get_gid() == gid]
        for side, gid in (("training", "model"), ("held-out", "held-out model"))
    }
    encoder, decoder = MARKERS["semantic-encoder"], MARKERS["semantic-decoder"]
    assert marks == {"training": [encoder, encoder, decoder], "held-out": ["o"] * 3}


def test_each_beta_stands_beside_its_place(draw):
    assert {text.get_text() for text in draw().texts} == {"β = 0.5", "β = 1", "β = 2"}
    assert {text.xy for text in draw().texts} == set(TRAINING)


def test_models_at_one_place_share_a_label(draw):
    axes = draw({"training": [(8.0, 60.0), (0.02, 70.0), (0.01, 70.01)]})
    assert {text.get_text() for text in axes.texts} == {"β = 0.5", "β = 1–2"}


def test_a_line_joins_the_two_places_of_each_model(draw):
    assert lines(draw(), "gap") == [
        [list(a), list(b)] for a, b in zip(TRAINING, HELD_OUT, strict=True)
    ]


def test_the_line_of_equal_elbo_goes_through_the_model_of_beta_1(draw):
    [tangent] = lines(draw(), "tangent")
    assert np.sum(tangent, 1) == pytest.approx(5.0 + 62.0)
    assert lines(draw({"training": TRAINING[:2]}, (0.5, 2.0)), "tangent") == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_every_model_has_the_ellipse_of_its_error_on_each_side(draw, make_sweep, scale):
    found = [p.get_xy()[:-1] for p in draw(scale=scale).patches if p.get_gid() == "error"]
    sides = make_sweep().sides
    expected = [ellipse(report) / scale for reports in sides.values() for report in reports]
    np.testing.assert_allclose(found, expected)


def test_everything_is_in_view_with_room_for_names(draw):
    axes = draw()
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    corners = np.concatenate([p.get_xy() for p in axes.patches if p.get_gid() == "error"])
    assert left < corners[:, 0].min() < corners[:, 0].max() < right
    assert bottom < corners[:, 1].min() < corners[:, 1].max() < top


def test_only_what_is_drawn_is_explained(make_sweep):
    def words(*arguments):
        sweep = make_sweep(*arguments)
        left, right = curve_entries(sweep.betas, place_curves(sweep.sides, 1.0))
        return [text for _, text in left], " ".join(text for _, text in right)

    regimes, others = words()
    assert regimes == ["semantic-decoder", "semantic-encoder", "regimes on the training data"]
    for word in ("training", "held-out", "same model", "β = 1", "ellipse"):
        assert word in others
    regimes, others = words({"training": TRAINING[:2]}, (0.5, 2.0))
    assert regimes == ["semantic-encoder"]
    for word in ("held-out", "same model", "β = 1"):
        assert word not in others


def test_the_size_of_the_data_is_not_torn_apart(make_sweep):
    sweep = make_sweep()
    _, right = curve_entries(sweep.betas, place_curves(sweep.sides, 1.0))
    [text] = [text for _, text in right if text.startswith("training")]
    assert "N\u00a0=\u00a0100" in text


def test_a_close_up_holds_every_error_with_room_on_each_side(make_model):
    models = [make_model("a", 10.0, 60.0, errors=(2.0, 5.0, 4.0)), make_model("b", 30.0, 55.0)]
    (left, right), (bottom, top) = close_up([place_model(model) for model in models])
    assert 0 < left < 10 - 2 * 2 < 30 < right
    assert 0 < bottom < 60 - 2 * 5 < 60 + 2 * 5 < top
