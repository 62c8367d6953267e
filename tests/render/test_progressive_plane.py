"""What the dashed curves on the plane are said to be of, in every medium."""

import dataclasses
from html import unescape

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.figure.plane_legend import plane_entries
from genprobe.render.page.html import to_html
from genprobe.render.plane import plane_of
from genprobe.render.progressive_plane import MEANINGS
from genprobe.render.text.plane import plane_to_text
from genprobe.report.progressive_curve import ProgressiveCurve, ProgressivePoint
from genprobe.types import Estimate


def figure(value):
    return Estimate(name="x", value=value, se=0.1, se_data=0.1, kind="estimate", n=100)


def chained(report, steps, name):
    places = [("first", 1.0, 99.0), ("last", report["rate"].value, report["distortion"].value)]
    points = [
        ProgressivePoint(label=label, rate=figure(rate), distortion=figure(distortion))
        for label, rate, distortion in places
    ]
    curve = ProgressiveCurve(steps=steps, points=tuple(points))
    return dataclasses.replace(report, progressive=curve, model=name)


@pytest.mark.parametrize("drawn", [["level"], ["time"], ["level", "time"]])
def test_every_medium_says_what_the_curves_that_are_there_are_of(make_report, drawn):
    both = compare([chained(make_report(), steps, steps) for steps in drawn])
    media = [
        " ".join(plane_to_text(both).split()),
        " ".join(unescape(to_html(both)).split()),
        " ".join(" ".join(text.split()) for _, text in plane_entries(plane_of(both))[1]),
    ]
    for said in media:
        for steps, meaning in MEANINGS.items():
            assert (meaning in said) == (steps in drawn)
