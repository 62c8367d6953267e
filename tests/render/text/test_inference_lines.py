import dataclasses

import pytest

from genprobe.render.text.inference_lines import curve_lines, inference_details, inference_lines
from genprobe.render.text.screen import to_screen
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.table import to_text

NATS = Scale("nats", 1.0, 3)


@pytest.fixture
def report(make_report, make_inference):
    return dataclasses.replace(make_report(), inference=make_inference())


def test_the_first_screen_says_how_far_to_trust_it(report):
    assert inference_lines(report, NATS) == [
        "acceptance 0.75, effective size 0.90, the run before 0.0100 lower",
        "on 200 simulated examples both sides 0.20 ± 0.10 apart",
    ]
    screen = to_screen(report)
    assert "log p   acceptance 0.75" in screen
    assert max(map(len, screen.splitlines())) <= 80
    assert len(screen.splitlines()) <= 24


def test_what_nobody_asked_for_has_no_line(report, make_inference):
    assert inference_lines(dataclasses.replace(report, inference=None), NATS) == []
    assert curve_lines(dataclasses.replace(report, inference=make_inference(curve=())), NATS) == []
    bare = make_inference(simulated=None, steps_gain={}, half_length=None, prior_chains=None)
    short = dataclasses.replace(report, inference=bare)
    assert inference_lines(short, NATS) == ["acceptance 0.75, effective size 0.90"]
    assert "prior end" not in " ".join(inference_details(short, NATS))


def test_the_details_have_all_in_the_unit_asked_for(report):
    text = " ".join(to_text(report).split())
    assert "200 examples, 128 temperatures, 16 chains under standard-normal" in text
    assert "chains from the prior end 3.00 lower" in text
    assert "gradient steps at test time: 10 gain 0.05 ± 0.10, 100 gain 5.00 ± 0.10" in text
    assert "β = 0.5: R = 12.00 ± 0.10, D = 75.00 ± 0.10, R + βD ≤ 49.50 ± 0.10" in text
    assert "β = 0.5: R = 17.31 ± 0.14" in " ".join(to_text(report, "bits").split())
