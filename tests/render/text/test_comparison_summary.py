import dataclasses

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.text.comparison_summary import (
    progress_line,
    regime_cell,
    rounded_cells,
    shown_models,
)


def test_a_column_is_rounded_to_its_usual_error_point_below_point():
    rows = [(8.2651, 0.034), (33.4452, 0.191), (0.0, 0.0), (123456.7, 900.0), (0.1, 0.1), None]
    assert rounded_cells(rows, 3) == [
        "     8.27",
        "    33.45",
        "     0.00",
        "123457   ",
        "     0.10",
        "        –",
    ]


def test_of_many_models_the_first_and_the_frontier_have_a_line(curve):
    few = compare(curve(24))
    assert shown_models(few) == list(range(24))
    found = compare(curve(30, noise=2.0))
    shown = shown_models(found)
    assert {*range(18), *found.frontier} == set(shown)


def test_a_certain_label_needs_no_number(make_report, make_regime):
    sure = make_report(regime=make_regime(probability=0.97))
    close = make_report(regime=make_regime(probability=0.61))
    assert regime_cell(sure) == "semantic-encoder"
    assert regime_cell(close) == "semantic-encoder 0.61"


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_progress_is_one_line_a_model(make_report, unit):
    line = progress_line(make_report(), "x\n", 2, 12, unit)
    values = {"nats": ("−90.00 ± 0.25", "20.00"), "bits": ("−129.84 ± 0.36", "28.85")}[unit]
    assert line == f"3 of 12  x\\n  ELBO {values[0]}  R {values[1]}  semantic-encoder"


def test_progress_of_a_model_without_a_decoder_says_what_there_is(make_report):
    rate = {"rate": make_report()["rate"]}
    line = progress_line(dataclasses.replace(make_report(), estimates=rate), "x", 0, 2, "nats")
    assert line == "1 of 2  x  R 20.00  semantic-encoder"
