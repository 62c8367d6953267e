import dataclasses

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from genprobe.comparing.compare import compare
from genprobe.render.figure.plane_curves import draw_decoder_curves
from genprobe.render.figure.plane_legend import plane_entries
from genprobe.render.plane import plane_of


@pytest.fixture
def comparison(make_report, make_inference):
    return compare([dataclasses.replace(make_report(), inference=make_inference())])


def test_the_curve_is_drawn_with_an_arrow_that_moves_no_limit(comparison):
    axes = Figure().subplots()
    axes.set(xlim=(0, 30), ylim=(50, 90))
    draw_decoder_curves(axes, plane_of(comparison))
    (line,) = axes.lines
    at = line.get_xydata()[line.get_markevery()]
    assert at.tolist() == [[12.0, 75.0], [17.0, 66.0], [25.0, 60.0]]
    (arrow,) = [text for text in axes.texts if isinstance(text, Annotation)]
    assert (arrow.xyann, arrow.xy) == ((20.0, 70.0), (17.0, 66.0))
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 30), (50, 90))


def test_the_key_says_what_it_is(comparison, make_report):
    words = [text.replace("\n", " ") for _, text in plane_entries(plane_of(comparison))[1]]
    assert "the best any encoder could reach with this decoder" in words
    assert "arrow: the inference gap" in words
    plain = plane_entries(plane_of(compare([make_report()])))[1]
    assert not any("encoder" in text for _, text in plain)
