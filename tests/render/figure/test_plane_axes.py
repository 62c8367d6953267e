import itertools
import math

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from genprobe.analysis.regimes import Cuts, Point, label
from genprobe.comparing.compare import compare
from genprobe.render.ellipse import ellipse
from genprobe.render.figure.plane_axes import draw_ground, draw_models
from genprobe.render.figure.style import COLOURS, INK, drawing
from genprobe.render.palette import MODELS
from genprobe.render.plane import plane_of

UNITS = [("nats", 1.0), ("bits", math.log(2)), ("bits/dim", 20 * math.log(2))]
"""With the nats of each, where an example has 20 values."""


@pytest.fixture
def draw():
    """Axes of the plane of a comparison."""

    def start(models, unit="nats", **options):
        comparison = compare(models, **options)
        plane = plane_of(comparison, unit)
        with drawing():
            figure = Figure(figsize=(4, 3))
            FigureCanvasAgg(figure)
            axes = figure.subplots()
            draw_ground(axes, plane)
            axes.get_figure().draw_without_rendering()
            draw_models(axes, plane)
        return axes

    return start


def lines(axes, kind):
    return [line for line in axes.lines if line.get_gid() == kind]


def box_of(text):
    """The box that a name fills, without the line that leads to it."""
    text.update_positions(text.get_figure(root=True).canvas.get_renderer())
    return Text.get_window_extent(text)


@pytest.mark.parametrize(("unit", "scale"), UNITS)
def test_every_model_has_its_ellipse_in_the_unit_drawn(draw, make_model, unit, scale):
    models = [make_model("a", 10.0, 60.0), make_model("b", 20.0, 50.0, errors=(0.1, None, None))]
    [patch] = [p for p in draw(models, unit).patches if p.get_gid() == "error"]
    corners = patch.get_path().vertices[:-1]
    np.testing.assert_allclose(corners, ellipse(models[0]) / scale)


def test_a_tangent_has_the_operating_slope_and_its_model_in_the_middle(draw, curve):
    models = curve(6)
    drawn = lines(draw(models), "slope")
    assert len(drawn) == len(models)
    for line, report in zip(drawn, compare(models).reports, strict=True):
        (x0, x1), (y0, y1) = line.get_data()
        assert (y1 - y0) / (x1 - x0) == pytest.approx(-report["slope"].value)
        middle = ((x0 + x1) / 2, (y0 + y1) / 2)
        assert middle == pytest.approx((report["rate"].value, report["distortion"].value))


def test_tangents_are_of_one_length_on_paper(draw, curve):
    axes = draw(curve(6))
    ends = [axes.transData.transform(np.stack(line.get_data(), 1)) for line in lines(axes, "slope")]
    lengths = [np.linalg.norm(b - a) for a, b in ends]
    assert lengths == pytest.approx([lengths[0]] * 6)


def test_without_a_slope_there_is_no_tangent(draw, make_model):
    assert not lines(draw([make_model("vae", 10.0, 60.0)]), "slope")


@pytest.mark.parametrize(("unit", "scale"), UNITS)
@pytest.mark.parametrize("cuts", [Cuts(), Cuts(semantic_rate=0.2, syntactic=0.7)])
def test_a_shade_is_the_regime_of_the_position(draw, curve, unit, scale, cuts):
    axes = draw(curve(5, entropy=30.0), unit, cuts=cuts)
    shades = [p for p in axes.patches if p.get_gid() in COLOURS]
    chance = np.random.default_rng(0)
    for x, y in zip(
        chance.uniform(*axes.get_xlim(), 500), chance.uniform(*axes.get_ylim(), 500), strict=True
    ):
        [shade] = [
            p.get_gid()
            for p in shades
            if 0 < x - p.get_x() <= p.get_width() and 0 < y - p.get_y() <= p.get_height()
        ]
        point = Point(rate=x * scale, distortion=y * scale, entropy=30.0)
        assert shade == label(point, cuts)[0]


def test_without_an_entropy_nothing_is_shaded_and_no_line_drawn(draw, make_model):
    axes = draw([make_model("vae", 10.0, 60.0, entropy=None)])
    assert not [p for p in axes.patches if p.get_gid() in COLOURS]
    assert not lines(axes, "entropy")


@pytest.mark.parametrize("kind", ["equal-elbo", "entropy"])
def test_lines_of_equal_cost_are_straight_down(draw, curve, kind):
    drawn = lines(draw(curve(5, entropy=70.0)), kind)
    sums = [np.sum(line.get_data(), 0) for line in drawn]
    assert all(total == pytest.approx(total[0]) for total in sums)
    assert kind == "equal-elbo" or sums[0][0] == pytest.approx(70.0)


def test_the_far_sides_tell_what_the_lines_cost(draw, curve):
    axes = draw(curve(5))
    costs = {round(float(np.sum(line.get_data(), 0)[0]), 6) for line in lines(axes, "equal-elbo")}
    above, beside = axes.child_axes
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    told = [(c, (c - top, top), above) for c in above.get_xticks()]
    told += [(c, (right, c - right), beside) for c in beside.get_yticks()]
    assert len(told) >= 3
    for cost, corner, side in told:
        assert round(cost, 6) in costs
        tick = side.transData.transform((cost, cost))
        dimension = 0 if side is above else 1
        assert tick[dimension] == pytest.approx(axes.transData.transform(corner)[dimension])
        assert left - 1e-9 <= corner[0] <= right + 1e-9
        assert bottom - 1e-9 <= corner[1] <= top + 1e-9


def test_markers_are_of_the_model_and_its_regime_and_ringed_on_the_frontier(draw, make_model):
    models = [
        make_model("good", 10.0, 60.0, label="autodecoder"),
        make_model("beaten", 12.0, 65.0, label="autoencoder", entropy=None),
        make_model("better", 20.0, 40.0, label="syntactic-encoder", entropy=None),
    ]
    drawn = lines(draw([*models[:1], *models[1:]]), "model")
    rings = {line.get_xdata()[0]: to_hex(line.get_markeredgecolor()) for line in drawn}
    assert rings == {10.0: INK, 12.0: "#ffffff", 20.0: INK}
    by_rate = {r: to_hex(line.get_markerfacecolor()) for r, line in zip(rings, drawn, strict=True)}
    order = {20.0: 0, 10.0: 1, 12.0: 2}  # by ELBO
    assert by_rate == {rate: MODELS[at].lower() for rate, at in order.items()}
    shapes = {line.get_xdata()[0]: line.get_marker() for line in drawn}
    assert (shapes[12.0], shapes[20.0]) == ("^", "D")


def test_the_hull_goes_through_its_models(draw, make_model):
    points = [(5, 90), (10, 70), (15, 69), (20, 40)]
    models = [make_model(f"m{r}", float(r), float(d)) for r, d in points]
    [line] = lines(draw(models), "hull")
    assert np.stack(line.get_data(), 1).tolist() == [[5, 90], [10, 70], [20, 40]]


def test_a_model_without_a_decoder_is_a_tick_on_the_axis_of_rates(draw, make_model):
    axes = draw([make_model("vae", 10.0, 60.0), make_model("blind", 4.0)])
    [tick] = lines(axes, "rate-only")
    assert tick.get_xdata()[0] == 4.0
    assert tick.get_ydata()[0] == axes.get_ylim()[0]
    assert "blind" in {text.get_text() for text in axes.texts}


@pytest.mark.parametrize("count", [4, 20])
def test_no_two_names_overlap_and_all_are_inside(draw, curve, count):
    axes = draw(curve(count, noise=2.0))
    boxes = [box_of(text) for text in axes.texts]
    assert boxes
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    frame = axes.bbox.padded(1)
    assert all(frame.contains(*b.min) and frame.contains(*b.max) for b in boxes)


def test_the_name_of_the_best_is_bold_and_has_the_first_choice_of_place(draw, make_model):
    models = [make_model(f"run-{i}", 10.0, 60.0 - (i == 5) / 1000) for i in range(6)]
    first, *others = draw(models).texts
    assert (first.get_text(), first.get_fontweight()) == ("run-5", "bold")
    assert {text.get_fontweight() for text in others} == {"normal"}


def test_many_models_are_numbered_by_their_place_in_the_table(draw, curve):
    models = curve(20)
    numbers = {text.get_text() for text in draw(models).texts}
    assert numbers == {str(i + 1) for i in range(20)}
    twelve = {text.get_text() for text in draw(models[:12]).texts}
    assert twelve == {str(i) for i in compare(models[:12]).names}


def test_of_a_single_model_no_name_is_bold(draw, make_model):
    [name] = draw([make_model("vae", 10.0, 60.0)]).texts
    assert name.get_fontweight() == "normal"


def test_models_at_one_point_are_all_named(draw, make_model):
    axes = draw([make_model(f"run-{i}", 10.0, 60.0) for i in range(6)])
    assert {t.get_text() for t in axes.texts} == {f"run-{i}" for i in range(6)}


def test_an_annotation_far_from_zero_is_measured_too(draw, make_model):
    """Names are placed by their size, which must be known on axes that do not hold the origin."""
    axes = draw([make_model("first", 100.0, 560.0), make_model("second", 120.0, 555.0)])
    [first] = [box_of(text) for text in axes.texts if text.get_text() == "first"]
    assert not first.padded(2).contains(*axes.transData.transform((100.0, 560.0)))
