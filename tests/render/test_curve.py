from pathlib import Path

import pytest

from genprobe.render.curve import COLOURS, draw_curve, save_curve
from genprobe.sweeping import Sweep
from genprobe.types import Estimate, Regime, Report

BETAS = (0.5, 1.0, 2.0)
POINTS = {"training": [(8.0, 60.0), (5.0, 62.0), (2.0, 66.5)]}
POINTS["held-out"] = [(8.1, 62.0), (5.0, 63.0), (2.0, 67.0)]
NOTHING = Regime(
    label="undetermined",
    probability=1.0,
    alternatives=(),
    by_position=None,
    by_slope=None,
    entropy=None,
    entropy_source=None,
    reasons=(),
)


def report(name, rate, distortion):
    numbers = {"rate": rate, "distortion": distortion, "mutual_information": 0.75 * rate}
    numbers["marginal_kl"] = 0.25 * rate
    return Report(
        model=name,
        dataset="a & b <c>",
        n=100,
        estimates={
            k: Estimate(name=k, value=v, se=0.0, se_data=0.5, kind="estimate")
            for k, v in numbers.items()
        },
        dimensions=(),
        regime=NOTHING,
        warnings=(),
        provenance={"event_shape": [10]},
    )


def sweep(sides=POINTS, betas=BETAS):
    reports = {
        side: tuple(report(f"beta-{b}", *at) for b, at in zip(betas, points, strict=True))
        for side, points in sides.items()
    }
    return Sweep(
        betas=betas,
        training=reports["training"],
        held_out=reports.get("held-out", ()),
        folder=Path(),
    )


def lines(axes, colour):
    """The points of the lines of one colour."""
    return [line.get_xydata().tolist() for line in axes.get_lines() if line.get_color() == colour]


def test_the_plane_has_a_curve_of_each_side_through_its_points():
    plane, _ = draw_curve(sweep()).axes
    for side, points in POINTS.items():
        assert [list(p) for p in points] in lines(plane, COLOURS[side])
    assert {text.get_text() for text in plane.texts} == {"0.5", "1", "2"}
    shown = {text.get_text() for text in plane.get_legend().get_texts()}
    assert {"training: a & b <c>, N = 100", "held-out: a & b <c>, N = 100"} <= shown


def test_models_at_one_place_share_a_label():
    points = [(8.0, 60.0), (0.02, 70.0), (0.01, 70.01)]
    plane, _ = draw_curve(sweep({"training": points})).axes
    assert {text.get_text() for text in plane.texts} == {"0.5", "1–2"}


def test_a_line_joins_the_two_places_of_each_model():
    plane, _ = draw_curve(sweep()).axes
    joined = lines(plane, "#999999")
    assert joined == [[list(a), list(b)] for a, b in zip(*POINTS.values(), strict=True)]


def test_the_line_of_equal_elbo_goes_through_the_model_of_beta_1():
    plane, _ = draw_curve(sweep()).axes
    [tangent] = [line for line in plane.get_lines() if line.get_label() == "equal ELBO"]
    assert (tangent.get_xy1(), tangent.get_slope()) == ((5.0, 62.0), -1)
    plane, _ = draw_curve(sweep({"training": POINTS["training"][:2]}, (0.5, 2.0))).axes
    assert "equal ELBO" not in {line.get_label() for line in plane.get_lines()}


def test_the_second_panel_has_every_part_against_beta():
    _, parts = draw_curve(sweep()).axes
    assert [[0.5, 2.0], [1.0, 1.25], [2.0, 0.5]] in lines(parts, COLOURS["marginal_kl"])
    assert [[0.5, 6.0], [1.0, 3.75], [2.0, 1.5]] in lines(parts, COLOURS["mutual_information"])
    assert parts.get_xscale() == "log"


def test_error_bars_are_95_percent_intervals():
    plane, _ = draw_curve(sweep()).axes
    bars = [segment for c in plane.collections for segment in c.get_segments()]
    upright = [bar for bar in bars if bar[:, 0].tolist() == [8.0, 8.0]]
    assert upright[0][:, 1].tolist() == pytest.approx([60.0 - 0.98, 60.0 + 0.98])


def test_units_divide_everything():
    plane, _ = draw_curve(sweep(), "bits/dim").axes
    expected = [8.0 / 6.931471805599453, 60.0 / 6.931471805599453]
    assert lines(plane, COLOURS["training"])[0][0] == pytest.approx(expected)
    assert "bits/dim" in plane.get_xlabel()


def test_one_side_alone_and_a_beta_of_0_draw_too():
    plane, parts = draw_curve(sweep({"training": POINTS["training"]}, (0.0, 1.0, 2.0))).axes
    assert len(lines(plane, COLOURS["held-out"])) == 0
    assert parts.get_xscale() == "linear"


def test_it_is_written_as_the_ending_says_and_the_same_each_time(tmp_path):
    for name in ("a.svg", "b.svg", "c.png", "d.pdf"):
        save_curve(sweep(), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")
