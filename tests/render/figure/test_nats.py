import math
from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from genprobe.render.figure.nats import caps_of, draw_nats, nats_entries


@pytest.fixture
def models(make_model):
    return [
        make_model("one", 20.0, information=6.0, upper=15.0),
        make_model("two", 5.0, information=4.0, upper=4.5),
        make_model("three", 3.0, information=2.0),
    ]


@pytest.mark.parametrize("scale", [1.0, math.log(2)])
def test_the_bars_lie_end_to_end_and_reach_the_rate(models, scale):
    axes = Figure().subplots()
    draw_nats(axes, models, scale, "bits")
    for row, report in enumerate(models):
        bars = [p for p in axes.patches if abs(p.get_y() + p.get_height() / 2 - row) < 0.1]
        bars = sorted((p for p in bars if p.get_width()), key=lambda p: p.get_x())
        ends = [p.get_x() + p.get_width() for p in bars]
        assert [p.get_x() for p in bars] == pytest.approx([0.0, *ends[:-1]])
        assert ends[-1] == pytest.approx(report["rate"].value / scale)


def test_the_name_of_the_best_is_bold(models):
    axes = Figure().subplots()
    draw_nats(axes, models, 1.0, "nats", best="two")
    weights = {label.get_text(): label.get_fontweight() for label in axes.get_yticklabels()}
    assert weights == {"one": "normal", "two": "bold", "three": "normal"}


def test_log_n_is_a_line_across_where_the_bars_reach_it(models):
    axes = Figure().subplots()
    draw_nats(axes, models, 1.0, "nats")
    [line] = [line for line in axes.lines if line.get_gid() == "log-n"]
    assert list(line.get_xdata()) == [6.9, 6.9]
    few = Figure().subplots()
    draw_nats(few, models[1:], 1.0, "nats")
    assert not few.lines


def test_the_legend_has_the_parts_there_are(models):
    texts = [text for _, text in nats_entries(models, 1.0)]
    assert [text.split(":")[0].split(" =")[0] for text in texts] == [
        "information, at least",
        "either",
        "mismatch, at least",
        "unresolved",
        "all beyond I(n;z)",
        "log N",
    ]
    assert len(nats_entries(models[1:2], 1.0)) == 5


def test_bars_with_an_n_of_their_own_have_marks_of_their_own(models, make_estimate):
    few = replace(
        models[0], estimates={**models[0].estimates, "log_n": make_estimate("log_n", 4.0)}
    )
    far = replace(
        models[2], estimates={**models[2].estimates, "log_n": make_estimate("log_n", 30.0)}
    )
    mixed = [few, models[1], far]
    axes = Figure().subplots()
    draw_nats(axes, mixed, 1.0, "nats")
    marks = [line for line in axes.lines if line.get_gid() == "log-n"]
    assert [list(mark.get_xdata()) for mark in marks] == [[4.0, 4.0], [6.9, 6.9]]
    for row, mark in enumerate(marks):
        low, high = mark.get_ydata()
        assert row - 0.5 < low < row < high < row + 0.5
    assert nats_entries(mixed, 1.0)[-1][1] == "log N, the cap on I(n;z)"


def test_a_cap_that_no_bar_reaches_is_told_and_not_drawn(models):
    handle, text = nats_entries(models[1:], 1.0)[-1]
    assert text == "log N = 6.900, the cap on I(n;z), is beyond every bar"
    assert handle.get_linestyle() == "None"


def test_without_log_n_there_is_no_cap(make_report):
    assert caps_of([make_report(estimates={})], 1.0) == [None]


@pytest.mark.parametrize("scale", [1.0, math.log(2)])
def test_what_is_about_labels_lies_on_the_bars_from_their_start(models, make_label, scale):
    labels = {"kind": make_label(information=1.5), "site": make_label("site", information=0.0)}
    told = [replace(models[0], labels=labels), models[1], replace(models[2], labels=labels)]
    axes = Figure().subplots()
    draw_nats(axes, told, scale, "bits")
    strips = [p for p in axes.patches if p.get_gid() == "label"]
    assert [(p.get_x(), p.get_width()) for p in strips] == [(0.0, 1.5 / scale)] * 2
    for strip, row in zip(strips, (0, 2), strict=True):
        assert row < strip.get_y() < strip.get_y() + strip.get_height() <= row + 0.3 + 1e-9
    texts = [text for _, text in nats_entries(told, scale)]
    assert "about the label kind, at least" in texts
    assert not any("site" in text for text in texts)
