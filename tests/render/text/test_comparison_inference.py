import dataclasses

import pytest

from genprobe.comparing.compare import compare
from genprobe.comparing.difference import Difference
from genprobe.render.text.comparison import comparison_to_text


@pytest.fixture
def comparison(make_model, make_inference):
    def looked_into(name, gap):
        report = make_model(name, 10.0, 60.0)
        lost = make_inference.estimate("inference_gap", gap, "lower")
        estimates = {**report.estimates, "inference_gap": lost}
        return dataclasses.replace(report, estimates=estimates, inference=make_inference())

    return compare([looked_into("a", 3.0), looked_into("b", 5.0), make_model("c", 9.0, 62.0)])


def test_every_model_has_what_inference_loses_and_how_far_it_is_from_the_reference(comparison):
    text = comparison_to_text(comparison)
    assert "Log p(x), and what inference loses of it, nats" in text
    assert "3.00 ± 0.10" in text
    assert "2.00 ± 0.14†" in text
    assert "† not paired" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_difference_within_two_errors_is_marked(comparison):
    d = Difference(
        first="b",
        second="a",
        name="inference_gap",
        value=0.1,
        se=0.1,
        se_data=None,
        n=9,
        paired=True,
    )
    text = comparison_to_text(dataclasses.replace(comparison, inference_differences=(d,)))
    assert "≈ 0.10 ± 0.10" in text
    assert "paired over examples" in text


def test_models_that_nobody_looked_into_have_no_such_table(make_model):
    text = comparison_to_text(compare([make_model("a", 10.0, 60.0), make_model("b", 9.0, 61.0)]))
    assert "inference" not in text
