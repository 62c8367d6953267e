import dataclasses

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.decoder_curve import PROGRESSIVE
from genprobe.render.figure.plane import plot
from genprobe.render.page.html import to_html
from genprobe.render.page.interactive import plotly_figure
from genprobe.render.plane import plane_of
from genprobe.render.rate_parts import parts_of
from genprobe.render.text.chain_lines import chain_lines, short_chain_lines
from genprobe.render.text.first_level import of_first_level
from genprobe.render.text.plane import plane_to_text
from genprobe.render.text.screen import to_screen
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.table import to_text
from genprobe.report.levels import Level
from genprobe.report.progressive_curve import ProgressiveCurve, ProgressivePoint
from genprobe.types import Estimate

NATS = Scale("nats", 1.0, 3)


def figure(value, unit="nats", name="rate"):
    return Estimate(
        name=name, value=value, se=0.05, se_data=0.25, kind="estimate", unit=unit, n=1000
    )


def level(i, rate, size=8):
    active = figure(size // 2, "count", "active_units")
    known = dataclasses.replace(figure(rate), se=0.001)
    estimates = {"rate": known, "active_units": active}
    return Level(name=f"z{i}", estimates=estimates, shape=(size,), family="diagonal-normal")


def point(label, rate, distortion):
    return ProgressivePoint(label=label, rate=figure(rate), distortion=figure(distortion))


def bounded(report):
    upper, names = figure(6.5), ("mutual_information_population_upper", "marginal_kl")
    more = {name: dataclasses.replace(upper, name=name) for name in names}
    return dataclasses.replace(report, estimates={**report.estimates, **more})


@pytest.fixture
def chain(make_report):
    """R 20 in three levels, one of them dead, and D 70."""
    points = [("nothing", 0.0, 400.0), ("z1", 7.0, 99.0), ("up to z2", 7.0, 98.0)]
    curve = ProgressiveCurve(
        steps="level", points=tuple(point(*p) for p in [*points, ("up to z3", 20.0, 70.0)])
    )
    levels = (level(1, 7.0), level(2, 0.001), level(3, 12.999))
    return dataclasses.replace(bounded(make_report()), levels=levels, progressive=curve)


def test_a_line_a_level_with_a_bar_and_what_is_left_as_they_are_known(chain):
    first, second, third, known, alone = chain_lines(chain, NATS)
    assert first.split() == [
        "z1",
        "████████▋",
        "7.00",
        "±",
        "0.25,",
        "4",
        "of",
        "8",
        "dims",
        "≥",
        "0.01",
        "nat",
    ]
    assert "█" not in second
    assert second.endswith(", dead")
    assert third.count("█") == 16
    assert known.endswith("400.00 (nothing) → 99.00 (z1) → 98.00 (up to z2) → 70.00 (up to z3)")
    assert "are of z₁" in alone


def test_a_few_words_name_the_largest_and_the_dead(chain):
    said, _ = short_chain_lines(chain, NATS)
    assert said == "R by level: z1 7.00, z2 0.00, z3 13.00; dead: z2"


def test_of_many_levels_the_largest_are_shown(chain):
    many = dataclasses.replace(chain, levels=tuple(level(i, i / 4) for i in range(1, 41)))
    lines = chain_lines(many, NATS)
    assert [line.split()[0] for line in lines[:12]] == [f"z{i}" for i in range(29, 41)]
    assert lines[12] == "28 more levels cost less than these"


def test_the_rows_of_the_first_level_say_so(chain, make_report):
    text = to_text(chain)
    for name in ("mutual information I(n;z₁)", "marginal KL = R₁ − I(n;z₁)", "rate R  "):
        assert name in text
    assert "I(n;z)" not in text.split("\n!")[0]
    assert "I(n;z₁)" in to_screen(chain)
    assert of_first_level(make_report(), "mutual_information", "I(n;z)") == "I(n;z)"
    assert of_first_level(chain, "active_units", "active units") == "active units of z₁"


def test_nats_after_the_first_level_are_unresolved(chain, make_report):
    own, plain = parts_of(chain), parts_of(bounded(make_report()))
    assert own.open == pytest.approx(13.0)
    assert sum(own) == pytest.approx(20.0)
    assert own.information == plain.information
    assert plain.open == 0.0


def test_the_plane_has_a_dashed_curve_that_does_not_move_the_window_away(chain, tmp_path):
    plane = plane_of(compare([chain]), "bits")
    (curve,) = plane.curves
    assert curve.kind == PROGRESSIVE
    assert curve.points[-1] == plane.models[0].position
    assert curve.line == list(curve.points)
    assert plane.window.distortions[1] < 400 / plane.scale
    assert "- ever more levels of a chain" in plane_to_text(compare([chain]))
    dashed = [t for t in plotly_figure(plane)["data"] if t.get("line", {}).get("color")]
    assert any(t["line"].get("dash") == "dash" and t["meta"]["model"] == 0 for t in dashed)
    drawn = plot(chain, tmp_path / "p.png")
    lines = [line for axes in drawn.axes for line in axes.lines]
    assert "progressive-curve" in {line.get_gid() for line in lines}


def test_the_page_has_a_section_of_levels(chain, make_report):
    page = to_html(compare([chain]))
    assert '<h2 id="levels">' in page
    assert "<small>dead</small>" in page
    assert "levels after the first" in page
    plain = to_html(compare([bounded(make_report())]))
    assert '<h2 id="levels">' not in plain
    assert "levels after the first" not in plain
