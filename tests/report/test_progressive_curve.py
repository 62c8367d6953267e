import json
from dataclasses import replace

import pytest
import torch

import genprobe
from genprobe import Estimate, Level, ProgressiveCurve, ProgressivePoint, Report


def figure(name, value, unit="nats"):
    return Estimate(name=name, value=value, se=0.1, se_data=0.2, kind="estimate", unit=unit, n=9)


@pytest.fixture(scope="module")
def report():
    plain = genprobe.evaluate_posteriors({"loc": torch.zeros(40, 1), "scale": torch.ones(40, 1)})
    points = tuple(
        ProgressivePoint(
            label=label,
            rate=figure("progressive_rate", rate),
            distortion=figure("progressive_distortion", 9 - rate),
        )
        for label, rate in (("none", 0.0), ("z₁", 2.0))
    )
    level = Level(
        name="z₁", estimates={"rate": figure("rate", 2.0)}, shape=(3,), family="diagonal-normal"
    )
    curve = ProgressiveCurve(steps="level", points=points)
    return replace(plain, levels=(level,), progressive=curve)


def test_levels_and_curve_survive_json(report):
    again = Report.from_json(report.to_json())
    assert again.levels == report.levels
    assert again.progressive == report.progressive
    assert again.levels[0]["rate"].value == 2.0
    assert json.loads(report.to_json())["levels"][0]["shape"] == [3]


def test_a_distortion_in_another_unit_has_no_place_on_the_plane(report):
    assert report.progressive.in_nats
    point = report.progressive.points[0]
    squared = replace(point, distortion=figure("progressive_distortion", 1.0, "squared error"))
    assert not replace(report.progressive, points=(squared,)).in_nats


def test_a_level_says_what_it_has(report):
    with pytest.raises(KeyError, match="no estimate 'kl' of z₁; it has rate"):
        report.levels[0]["kl"]
