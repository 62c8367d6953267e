import re

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.plane import plane_of
from genprobe.render.text.plane import HEIGHT, plane_to_text


def cells(text):
    """The characters inside the frame, by row."""
    rows = [line for line in text.splitlines() if re.match(r"^ *\S*[│┤]", line)]
    return [re.split("[│┤]", row.ljust(200))[1] for row in rows]


def where(text, key):
    """Row and column of a key."""
    [(row, line)] = [(i, line) for i, line in enumerate(cells(text)) if key in line]
    return row, line.index(key)


@pytest.mark.parametrize("width", [80, 110])
def test_every_line_fits(curve, width):
    lines = plane_to_text(compare(curve(30, noise=3.0)), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > width - 5


def test_what_marks_models_is_ascii_and_nothing_is_coloured(curve):
    text = plane_to_text(compare(curve(40, noise=3.0)))
    assert "\x1b" not in text
    assert all("".join(row).isascii() for row in cells(text))


def test_a_model_is_in_the_cell_of_its_rate_and_distortion(curve):
    comparison = compare(curve(4))
    text = plane_to_text(comparison)
    plane = plane_of(comparison)
    (left, right), (bottom, top) = plane.window
    rows = cells(text)
    high, wide = len(rows), text.splitlines()[1].count("─")
    for key, (rate, distortion) in zip("1234", plane.positions, strict=True):
        row, column = where(text, key)
        assert column == pytest.approx((rate - left) / (right - left) * (wide - 1), abs=1)
        assert row == pytest.approx((top - distortion) / (top - bottom) * (high - 1), abs=1)


def test_dots_are_on_the_line_of_the_entropy(make_model):
    comparison = compare([make_model("vae", 40.0, 60.0)])
    text = plane_to_text(comparison)
    (left, right), (bottom, top) = plane_of(comparison).window
    rows = cells(text)
    wide = text.splitlines()[1].count("─")
    dots = [(r, c) for r, row in enumerate(rows) for c, mark in enumerate(row) if mark == "."]
    assert len(dots) > 40
    for row, column in dots:
        rate = left + (right - left) * column / (wide - 1)
        distortion = top - (top - bottom) * row / (len(rows) - 1)
        assert rate + distortion == pytest.approx(90.0, abs=0.6 * (top - bottom) / len(rows) + 1)


def test_the_legend_names_everyone_and_stars_the_frontier(make_model):
    models = [make_model("good", 10.0, 60.0, entropy=70.0), make_model("bad one", 12.0, 65.0)]
    text = plane_to_text(compare([*models, make_model("encoder", 5.0)]))
    assert "1 good *   2 bad one\n" in text
    assert "R + D = Ĥ = 70.000 nats, from R + D of good" in text
    assert "without a decoder: encoder" in text


def test_of_many_the_others_are_crosses(curve):
    text = plane_to_text(compare(curve(60, noise=3.0)))
    assert "+ other models" in text
    assert sum(row.count("+") for row in cells(text)) > 10


def test_without_a_distortion_there_is_no_plane(make_model):
    assert plane_to_text(compare([make_model("encoder", 5.0)])) == ""


def test_two_planes_do_not_mix(curve, make_model):
    first = plane_to_text(compare(curve(5)))
    plane_to_text(compare([make_model("other", 10.0, 60.0)]))
    assert plane_to_text(compare(curve(5))) == first
    assert len(cells(first)) == HEIGHT - 3
