import dataclasses

import numpy as np
import pytest

from genprobe.comparing.compare import compare
from genprobe.render.decoder_curve import PlaneCurve
from genprobe.render.page.interactive import plotly_figure
from genprobe.render.plane import plane_of
from genprobe.render.text.plane import plane_to_text


@pytest.fixture
def looked_into(make_report, make_inference):
    """R 20 and D 70, and a curve below that."""
    return lambda **changes: dataclasses.replace(make_report(), inference=make_inference(**changes))


def test_a_curve_is_in_the_unit_of_the_plane_with_the_gap_from_its_model(looked_into):
    plane = plane_of(compare([looked_into()]), "bits")
    (curve,) = plane.curves
    assert curve.betas == (0.5, 1.0, 2.0)
    assert curve.points[1] == pytest.approx((17 / plane.scale, 66 / plane.scale))
    assert curve.gap == (plane.models[0].position, curve.points[1])


def test_without_a_beta_of_1_there_is_a_curve_and_no_gap(looked_into, make_inference):
    ends = make_inference().curve[::2]
    (curve,) = plane_of(compare([looked_into(curve=ends)])).curves
    assert (curve.betas, curve.gap) == ((0.5, 2.0), None)
    assert plane_of(compare([looked_into(curve=())])).curves == ()


def test_the_window_holds_the_curve_near_1_and_not_all_of_it(looked_into, make_inference):
    first, *rest = make_inference().curve
    far = dataclasses.replace(
        first,
        beta=0.01,
        rate=dataclasses.replace(first.rate, value=0.0),
        distortion=dataclasses.replace(first.distortion, value=5000.0),
    )
    plane = plane_of(compare([looked_into(curve=(far, first, *rest))]))
    (left, right), (bottom, top) = plane.window
    assert left < 12 < 25 < right
    assert bottom < 60 < 75 < top < 1000


def test_curves_of_several_models_have_their_colours(looked_into):
    reports = [dataclasses.replace(looked_into(), model=name) for name in ("a", "b")]
    plane = plane_of(compare(reports, sort="name"))
    assert [curve.name for curve in plane.curves] == ["a", "b"]
    assert [curve.colour for curve in plane.curves] == [model.colour for model in plane.models]
    assert plane_of(compare(reports, side_by_side=True)).curves == ()


def test_the_terminal_and_the_page_draw_it(looked_into):
    comparison = compare([looked_into()])
    text = plane_to_text(comparison)
    assert "~ the best any encoder could reach" in text
    assert text.count("~") > 10
    figure = plotly_figure(plane_of(comparison))
    (arrow,) = (trace for trace in figure["data"] if trace["mode"] == "lines+markers")
    assert (arrow["x"], arrow["marker"]["symbol"]) == ([20.0, 17.0], "arrow")
    (points,) = (trace for trace in figure["data"] if trace.get("x") == [12.0, 17.0, 25.0])
    assert (points["mode"], points["meta"], arrow["meta"]) == (
        "markers",
        {"model": 0},
        {"model": 0},
    )


def gaussian(beta):
    """R and D of the decoder N(z, 1) with a standard normal prior, of data that it makes."""
    q = 1 / (1 + beta)
    rate = (q + 2 * (beta * q) ** 2 - 1 + np.log1p(beta)) / 2
    return rate, (2 * q**2 + q) / 2


def test_the_line_follows_the_curve_between_its_points():
    betas = tuple(0.25 * 2.0**i for i in range(5))
    points = tuple((float(r), float(d)) for r, d in map(gaussian, betas))
    curve = PlaneCurve(index=0, name="a", colour="blue", betas=betas, points=points)
    assert set(points) <= set(curve.line)
    rate, truth = gaussian(np.geomspace(0.25, 4, 400))

    def off(line):
        return np.abs(np.interp(rate, *zip(*line, strict=True)) - truth).max()

    assert off(curve.line) < off(points) / 8


def test_points_that_err_are_joined_as_they_are():
    betas, points = (0.5, 1.0), ((1.0, 3.0), (2.0, 3.5))
    curve = PlaneCurve(index=0, name="a", colour="blue", betas=betas, points=points)
    assert curve.line == list(points)
