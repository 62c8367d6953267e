import math
from dataclasses import replace

import numpy as np
import pytest

from genprobe.comparing.compare import compare
from genprobe.render.page.interactive import (
    CROWD,
    FAINT,
    GLYPHS,
    INK,
    neutral,
    plotly_figure,
)
from genprobe.render.palette import COLOURS, MARKERS
from genprobe.render.plane import plane_of, regime_keys
from genprobe.render.plane_labels import NAMED


def compared(*reports, entropy=90.0):
    return replace(compare(reports), entropy=entropy, entropy_source="given")


def plane(comparison):
    return plotly_figure(plane_of(comparison))


@pytest.fixture
def drawn(make_report):
    """The plane of one report with errors that are not independent and a slope."""

    def draw(**changes):
        return plane(compared(make_report(**changes)))

    return draw


@pytest.fixture
def full(make_report, make_estimate):
    report = make_report()
    known = {
        "rate": make_estimate("rate", 20.0, se_data=0.3),
        "distortion": make_estimate("distortion", 70.0, se_data=0.5),
        "elbo": make_estimate("elbo", -90.0, se_data=0.4),
        "slope": make_estimate("slope", 2.0),
    }
    return make_report(estimates={**report.estimates, **known})


def of_model(figure, **wanted):
    return [
        t
        for t in figure["data"]
        if t["meta"]["model"] == 0 and all(t.get(k) == v for k, v in wanted.items())
    ]


def test_a_point_lies_at_rate_and_distortion_and_knows_every_number(full):
    [point] = of_model(plane(compared(full)), hoverinfo="text")
    assert (point["x"], point["y"]) == ([20.0], [70.0])
    rows = {label: (nats, error) for label, nats, error in point["meta"]["rows"]}
    assert rows["R"] == (20.0, 0.3)
    assert rows["ELBO"] == (-90.0, 0.4)
    assert rows["I(n;z)"][0] == 6.0
    assert "slope 2.000" in rows


def test_the_ellipse_holds_95_percent_of_the_normal_with_that_covariance(full):
    [ellipse] = of_model(plane(compared(full)), fill="toself")
    between = (0.4**2 - 0.3**2 - 0.5**2) / 2
    precision = np.linalg.inv([[0.3**2, between], [between, 0.5**2]])
    away = np.array([ellipse["x"], ellipse["y"]]).T - [20.0, 70.0]
    squared = np.einsum("ni,ij,nj->n", away, precision, away)
    # 95 % of a chi-squared variable of two degrees of freedom lies below 5.991.
    np.testing.assert_allclose(squared, 5.991465, rtol=1e-5)


def test_the_tick_has_the_slope_of_the_model_and_its_middle_at_the_point(full):
    [tick] = [t for t in of_model(plane(compared(full)), mode="lines") if "fill" not in t]
    (x0, x1), (y0, y1) = tick["x"], tick["y"]
    assert (y1 - y0) / (x1 - x0) == pytest.approx(-2.0)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == (pytest.approx(20.0), pytest.approx(70.0))


def of_none(figure):
    return [t for t in figure["data"] if t["meta"]["model"] is None]


def test_the_bound_falls_by_one_for_one(full):
    [bound] = [t for t in of_none(plane(compared(full))) if t["x"]]
    assert [x + y for x, y in zip(bound["x"], bound["y"], strict=True)] == pytest.approx([90, 90])


def test_the_script_is_left_a_place_for_lines_of_equal_elbo_and_the_hull(full):
    kinds = [t["meta"].keys() - {"model"} for t in of_none(plane(compared(full))) if not t["x"]]
    assert kinds == [{"elbo"}, {"hull"}]


def test_lines_look_as_in_the_figure(full):
    looks = [t["line"] for t in of_none(plane(compared(full)))]
    assert [(look["color"], look.get("dash", "solid")) for look in looks] == [
        (FAINT, "dot"),
        (INK, "dash"),
        (FAINT, "solid"),
    ]


def test_shades_meet_where_the_regimes_do(full):
    shapes = plane(compared(full))["layout"]["shapes"]
    edges = {round(value, 6) for s in shapes for value in (s["y0"], s["y1"])}
    assert edges >= {0.08 * 90, 0.5 * 90}
    assert {round(s["x1"], 6) for s in shapes} >= {0.01 * 90, 0.05 * 90}


def test_every_shade_has_a_key_and_models_have_their_marker(full):
    comparison = compared(full)
    found = {key.label: key for key in regime_keys(plane_of(comparison))}
    colours = {s["fillcolor"] for s in plane(comparison)["layout"]["shapes"]}
    assert {COLOURS[label] for label in found} == colours
    assert all(key.shaded for key in found.values())
    here = comparison.reports[0].regime.label
    marked = {label: GLYPHS[MARKERS[label]] for label, key in found.items() if key.used}
    assert marked == {here: "●"}


def test_without_a_bound_only_the_regimes_of_models_have_a_key(full):
    comparison = compared(full, entropy=None)
    [key] = regime_keys(plane_of(comparison))
    assert (key.label, key.shaded) == (comparison.reports[0].regime.label, False)


def test_without_a_bound_there_are_no_shades(full):
    assert plane(compared(full, entropy=None))["layout"]["shapes"] == []


@pytest.mark.parametrize(("count", "whole"), [(3, False), (1, True)])
def test_everything_is_inside_the_first_view(make_report, count, whole):
    reports = [make_report(model=str(i), shift=10.0 * i) for i in range(count)]
    figure = plane(compared(*reports))
    (x0, x1), (y0, y1) = (figure["layout"][a]["range"] for a in ("xaxis", "yaxis"))
    rates, distortions = ([r[k].value for r in reports] for k in ("rate", "distortion"))
    assert x0 <= 0 < max(rates) < x1
    assert y0 < min(distortions) <= max(distortions) < y1
    assert (y0 <= 0 < 90 < y1) == whole


def test_what_has_no_place_is_left_out(make_report):
    report = make_report()
    blind = make_report(estimates={"rate": report["rate"]})
    assert plane(compared(blind)) is None
    models = {t["meta"]["model"] for t in plane(compared(blind, report))["data"]}
    assert models == {None, 0}


def test_names_that_would_lie_over_each_other_are_left_to_the_pointer(make_report, curve):
    def named(models):
        traces = [t for t in plane(compared(*models))["data"] if "rows" in t["meta"]]
        return sum(t["mode"] == "markers+text" for t in traces)

    assert named(curve(6)) == 6
    assert named([make_report(model=str(i)) for i in range(NAMED)]) == 1


def test_of_many_models_the_frontier_is_named_or_else_the_hull_or_the_best(curve):
    def named(models):
        comparison = compare(models)
        traces = [t for t in plane(comparison)["data"] if "rows" in t["meta"]]
        return comparison, {t["meta"]["model"] for t in traces if t["mode"] == "markers+text"}

    few, shown = named(curve(20, noise=6.0))
    assert shown <= set(few.frontier)
    assert len(shown) > 2
    many, shown = named(curve(40))
    assert len(many.hull) > NAMED
    assert [many.names[i] for i in shown] == [many.best]


def test_names_hold_no_tags_and_no_line_breaks_for_plotly(drawn):
    [point] = of_model(drawn(model='<a href="x">\nme</a> & co'), hoverinfo="text")
    assert point["text"] == [r'&lt;a href="x"&gt;\nme&lt;/a&gt; &amp; co']
    assert point["meta"]["title"] == point["text"][0]
    assert neutral("plain") == "plain"


def test_the_numbers_are_plain_json(drawn):
    import json

    figure = json.loads(json.dumps(drawn(), allow_nan=False))
    assert math.isfinite(figure["data"][-1]["x"][0])


def named(report, count):
    return [replace(report, model=f"model {i}") for i in range(count)]


def test_a_crowd_is_drawn_as_points_alone(full):
    kinds = [
        [t for t in of_model(plane(compared(*named(full, count)))) if "rows" not in t["meta"]]
        for count in (CROWD, CROWD + 1)
    ]
    assert [len(found) for found in kinds] == [2, 0]
