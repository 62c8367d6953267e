import dataclasses
import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

from genprobe.render.figure.curve_parts import draw_parts, parts_entries, thin_out
from genprobe.render.figure.style import drawing
from genprobe.report.labels import LabelReport

TRAINING = [(8.0, 60.0), (5.0, 62.0), (2.0, 66.5)]


@pytest.fixture
def draw(make_sweep):
    def start(*arguments, scale=1.0, width=4.0):
        sweep = make_sweep(*arguments)
        with drawing():
            figure = Figure(figsize=(width, 3))
            axes = figure.subplots()
            draw_parts(axes, sweep.betas, sweep.sides, scale, "nats")
            figure.draw_without_rendering()
            thin_out(axes)
        return axes

    return start


def bars(axes, kind):
    """The line and the error bars of one kind."""
    [found] = [c for c in axes.containers if c.lines[0].get_gid() == kind]
    line, _, (upright,) = found.lines
    return line.get_xydata(), [segment[:, 1] for segment in upright.get_segments()]


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rate", [8.0, 5.0, 2.0]),
        ("distortion", [60.0, 62.0, 66.5]),
        ("mutual_information", [6.0, 3.75, 1.5]),
    ],
)
def test_every_part_is_drawn_against_beta_with_its_95_percent_interval(draw, scale, name, values):
    points, errors = bars(draw(scale=scale), f"training {name}")
    expected = np.stack([[0.5, 1.0, 2.0], np.array(values) / scale], 1)
    np.testing.assert_allclose(points, expected)
    half = {"rate": 0.2, "distortion": 0.5, "mutual_information": 0.25}[name] * 1.959964 / scale
    for value, (low, high) in zip(expected[:, 1], errors, strict=True):
        assert (low, high) == pytest.approx((value - half, value + half), abs=1e-3)


def test_held_out_data_are_dashed_and_hollow(draw):
    lines = {line.get_gid(): line for line in draw().lines}
    for name in ("rate", "distortion", "mutual_information"):
        filled, hollow = lines[f"training {name}"], lines[f"held-out {name}"]
        assert (filled.get_linestyle(), hollow.get_linestyle()) == ("-", "--")
        assert hollow.get_markerfacecolor() == "white" != filled.get_markerfacecolor()
        assert hollow.get_color() == filled.get_color()


def test_no_two_lines_are_told_apart_by_colour_alone(draw):
    lines = [line for line in draw().lines if (line.get_gid() or "").startswith("training")]
    assert len({line.get_marker() for line in lines}) == len(lines) == 3


def test_zero_is_in_view_and_so_is_what_lies_below(draw):
    bottom, _ = draw().get_ylim()
    assert bottom <= 0
    bottom, top = draw({"training": [(8.0, -60.0), (5.0, -50.0), (2.0, -40.0)]}).get_ylim()
    assert bottom < -60
    assert top > 8


def test_a_beta_of_0_has_no_place_on_an_axis_of_logarithms(draw):
    assert draw().get_xscale() == "log"
    assert draw({"training": TRAINING}, (0.0, 1.0, 2.0)).get_xscale() == "linear"


def test_of_many_beta_as_many_are_told_as_there_is_room_for(draw):
    betas = tuple(0.1 * 1.2**i for i in range(25))
    places = [(20 / (1 + b), 60 + b) for b in betas]
    counts = []
    for width in (2.0, 4.0):
        axes = draw({"training": places}, betas, width=width)
        boxes = [t.get_window_extent() for t in axes.get_xticklabels() if t.get_visible()]
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))
        assert len(axes.get_xticks()) == 25
        counts.append(len(boxes))
    assert 2 <= counts[0] < counts[1] < 25


def test_only_what_is_drawn_is_explained(make_sweep):
    parts, data = parts_entries(make_sweep().sides)
    assert [text for _, text in parts] == ["distortion D", "rate R", "I(n;z)"]
    assert [text for _, text in data][:2] == ["on training data", "on held-out data"]
    _, data = parts_entries(make_sweep({"training": TRAINING}).sides)
    assert [text for _, text in data] == ["on training data", "95 % of the data error"]


def test_label_information_is_drawn_of_the_labels_that_all_models_have(make_sweep, make_estimate):
    made = make_sweep()
    reports = [
        dataclasses.replace(
            report,
            labels={
                "kind": LabelReport(
                    name="kind",
                    classes=("a", "b"),
                    n=100,
                    missing=0,
                    estimates={
                        "label_information": make_estimate(
                            "label_information", 0.1 * i, se_data=0.02
                        )
                    },
                    dimensions=(),
                    informative=(),
                    candidate="",
                    accuracy=0.5,
                    saturated=False,
                )
            },
        )
        for i, report in enumerate(made.training)
    ]
    axes = Figure().subplots()
    draw_parts(axes, made.betas, {"training": reports}, 1.0, "nats")
    points, errors = bars(axes, "training label kind")
    np.testing.assert_allclose(points[:, 1], [0.0, 0.1, 0.2])
    assert errors[1] == pytest.approx([0.1 - 0.0392, 0.1 + 0.0392], abs=1e-4)
    parts, _ = parts_entries({"training": reports})
    assert parts[-1][1] == "I(Y;Z) of kind"
    assert "kind" not in str(parts_entries(made.sides))
