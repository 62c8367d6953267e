import math
import re
from pathlib import Path

import pytest

from genprobe import render
from genprobe.comparing.compare import compare
from genprobe.render.plane import (
    ALL,
    Window,
    axis_limits,
    plane_of,
    regime_keys,
    regions_within,
)


def test_models_are_in_the_unit_asked_for(make_model):
    plane = plane_of(compare([make_model("a", 10.0, 60.0)]), "bits")
    bit = math.log(2)
    assert plane.positions == [pytest.approx((10.0 / bit, 60.0 / bit))]
    assert plane.entropy == pytest.approx(90.0 / bit)


def test_a_model_without_a_decoder_is_kept_apart(make_model):
    plane = plane_of(compare([make_model("a", 10.0, 60.0), make_model("blind", 4.0)]))
    assert [m.name for m in plane.models] == ["a"]
    assert [m.name for m in plane.undecoded] == ["blind"]


def test_frontier_and_hull_are_those_of_the_comparison_among_the_models_with_a_place(make_model):
    points = [("high", 5, 90), ("low", 10, 70), ("inside", 15, 69), ("last", 20, 40)]
    models = [make_model(name, float(r), float(d)) for name, r, d in points]
    models += [make_model("beaten", 12.0, 75.0), make_model("blind", 4.0)]
    comparison = compare(models, sort="name")
    plane = plane_of(comparison, "bits")
    for positions, names in (
        (plane.frontier, ["high", "low", "inside", "last"]),
        (plane.hull, ["high", "low", "last"]),
    ):
        assert [plane.models[i].name for i in positions] == names


def test_the_best_is_named_only_of_several_that_compare(make_model):
    models = [make_model("a", 10.0, 60.0), make_model("b", 20.0, 40.0), make_model("c", 1.0)]
    assert plane_of(compare(models)).best == "b"
    assert plane_of(compare(models[:1])).best == ""
    assert plane_of(compare([models[0], models[2]])).best == ""
    assert plane_of(compare(models, side_by_side=True)).best == ""


def test_of_many_models_those_on_the_hull_are_named(curve):
    few, many = (plane_of(compare(curve(n, noise=3.0))) for n in (ALL, ALL + 1))
    assert few.labelled == tuple(range(ALL))
    assert many.labelled == many.hull
    assert 2 <= len(many.hull) < ALL


@pytest.mark.parametrize(
    ("values", "whole", "also", "low", "high"),
    [
        ([0.0, 30.0], False, None, -1.2, 33.6),
        ([8.0, 30.0], False, 50.0, -2.0, 56.0),
        ([60.0, 100.0], False, 500.0, 48.0, 112.0),
        ([60.0, 100.0], True, None, -4.0, 112.0),
        ([7.0, 7.0], True, 10.0, -0.4, 11.2),
        ([-20.0, -10.0], False, None, -20.8, 2.4),
        ([-3000.0, -2900.0], False, None, -3030.0, -2870.0),
        ([-8.0, -8.0], False, None, -8.4, -7.6),
        ([0.0, 0.0], True, None, -0.04, 0.12),
    ],
)
def test_an_axis_starts_from_zero_unless_that_squeezes_the_models(values, whole, also, low, high):
    assert axis_limits(values, whole, also) == pytest.approx((low, high))


def test_several_models_of_one_rate_still_have_a_range(make_model):
    models = [make_model(f"m{i}", 9.0, 60.0 - i, errors=(0.0, 0.0, 0.0)) for i in range(3)]
    (left, right), _ = plane_of(compare(models)).window
    assert left < 9.0 < right


def test_the_view_holds_every_error(make_model):
    models = [make_model("a", 10.0, 60.0, errors=(2.0, 5.0, 4.0)), make_model("b", 20.0, 55.0)]
    (left, right), (bottom, top) = plane_of(compare(models)).window
    assert left < 10 - 2 * 2 < 20 < right
    assert bottom < 60 - 2 * 5 < 60 + 2 * 5 < top


def test_regions_are_clipped_to_the_window_and_those_outside_are_left_out(make_model):
    plane = plane_of(compare([make_model("a", 10.0, 80.0, entropy=90.0)]))
    inside = regions_within(plane, Window((0.0, 20.0), (50.0, 100.0)))
    assert {r.label: (r.rate, r.distortion) for r in inside} == {
        "autodecoder": ((0.0, 0.9), (50.0, 100.0)),
        "semantic-decoder": ((0.9, 4.5), (50.0, 100.0)),
        "semantic-encoder": ((4.5, 20.0), (50.0, 100.0)),
    }


def test_keys_are_of_every_regime_with_a_region_or_a_model(make_model):
    models = [make_model("a", 10.0, 80.0, label="undetermined")]
    keys = regime_keys(plane_of(compare(models)))
    assert [key.label for key in keys if key.shaded] == [
        "autodecoder",
        "semantic-decoder",
        "semantic-encoder",
        "syntactic-encoder",
        "autoencoder",
    ]
    without = [make_model("a", 10.0, 80.0, entropy=None, label="undetermined")]
    [key] = regime_keys(plane_of(compare(without)))
    assert key == ("undetermined", False, True)


@pytest.mark.parametrize("name", ["plane", "plane_lines", "plane_labels", "ellipse", "palette"])
def test_the_account_of_the_plane_knows_nothing_it_is_drawn_with(name):
    code = Path(render.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(from|import) (matplotlib|plotext|rich|jinja2)\b", code, re.M)
    assert not re.search(r"genprobe\.render\.(figure|page)", code)
