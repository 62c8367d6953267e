"""The audit has a row for every estimate, and its judgement is that of the binomial test."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from genprobe.estimators.catalog import ESTIMATORS
from genprobe.self_check.case import Truth, known
from validation.audit import header_of
from validation.cases import CASES
from validation.coverage import CENTRE, EXACT, NARROW, WIDE, binomial_tail, cell, judged
from validation.results import append, begin, kept_truths, read_rows

FEWEST = 4


def test_every_row_of_the_catalog_is_audited_for_both_errors():
    counted = Counter((name, case.error) for case in CASES for name in case.estimators)
    missing = {
        (name, error)
        for name in ESTIMATORS
        for error in ("se", "se_data")
        if counted[name, error] < FEWEST
    }
    assert missing == set()


def test_every_case_has_a_name_of_its_own_and_asks_for_estimates_that_exist():
    assert len({case.name for case in CASES}) == len(CASES)
    assert {name for case in CASES for name in case.estimators} <= set(ESTIMATORS)


@pytest.mark.parametrize(("k", "n", "p"), [(0, 10, 0.3), (371, 400, 0.92), (9, 10, 0.98)])
def test_the_binomial_tail_is_that_of_scipy(k, n, p):
    assert binomial_tail(k, n, p) == pytest.approx(scipy.stats.binom.cdf(k, n, p))


@pytest.mark.parametrize(
    ("hits", "runs", "verdict"),
    [
        (380, 400, "inside"),
        (360, 400, "inside"),
        (355, 400, NARROW),
        (399, 400, WIDE),
        (8, 8, "inside"),
    ],
)
def test_a_cell_is_inside_if_chance_admits_it(hits, runs, verdict):
    assert judged(hits, runs) == verdict


def rows_of(pairs):
    return [
        {"seed": seed, "estimates": {"rate": [value, error, None, ""]}, "absent": {}, "notices": []}
        for seed, (value, error) in enumerate(pairs)
    ]


@pytest.fixture
def case():
    return replace(
        next(case for case in CASES if case.error == "se"),
        estimators=("rate",),
        truths=lambda: known({"rate": Truth(value=1.0)}),
    )


def test_an_error_that_is_half_of_what_it_should_be_is_too_narrow(case):
    quantiles = scipy.stats.norm.ppf((0.5 + np.arange(400)) / 400)
    found = cell(case, "rate", rows_of((1 + z, 0.5) for z in quantiles), case.truths())
    assert found.verdict == NARROW
    assert found.coverage == pytest.approx(0.6729, abs=0.005)  # P(|Z| < 0.98)
    assert found.sd_z == pytest.approx(2, abs=0.02)


def test_no_error_and_no_deviation_is_exact_and_a_deviation_is_not_held(case):
    assert cell(case, "rate", rows_of([(1.0, 0.0)] * 20), case.truths()).verdict == EXACT
    assert cell(case, "rate", rows_of([(1.1, 0.0)] * 20), case.truths()).verdict == NARROW


def test_a_truth_rougher_than_error_and_spread_judges_nothing(case):
    rough = {"rate": Truth(value=1.0, error=1.0)}
    rows = rows_of([(1.0, 0.1), (1.2, 0.1)] * 10)
    assert cell(case, "rate", rows, rough).verdict == "truth too rough"
    rows = rows_of([(-9.0, 0.1), (11.0, 0.1)] * 10)  # an error a hundred times too small
    assert cell(case, "rate", rows, rough).verdict == NARROW


def test_without_a_truth_the_mean_of_the_runs_stands_in(case):
    found = cell(case, "rate", rows_of([(1.0, 1.0), (3.0, 1.0)] * 20), {})
    assert found.truth.source == CENTRE
    assert found.truth.value == 2.0


def test_an_error_that_is_not_stated_is_not_printed(case):
    found = cell(case, "rate", rows_of([(1.0, None)] * 20), case.truths())
    assert (found.verdict, found.printed) == ("not printed", 0.0)


def test_rows_are_kept_for_one_definition_and_code_and_a_cut_line_is_passed_over(tmp_path):
    header = header_of(CASES[0])
    begin(tmp_path, "a", header)
    append(tmp_path, "a", [{"seed": 1}, {"seed": 0}])
    with (tmp_path / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"seed": 2, "est')
    begin(tmp_path, "a", header)
    append(tmp_path, "a", [{"seed": 3}])
    assert [row["seed"] for row in read_rows(tmp_path, "a")] == [0, 1, 3]
    begin(tmp_path, "a", {**header, "code": "other"})
    assert read_rows(tmp_path, "a") == []


def test_truths_are_made_once_for_a_definition(tmp_path, case):
    assert kept_truths(tmp_path, case)["rate"].value == 1.0
    path = tmp_path / "truths" / f"{case.name}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["truths"]["rate"]["value"] = 5.0
    path.write_text(json.dumps(content), encoding="utf-8")
    assert kept_truths(tmp_path, case)["rate"].value == 5.0
    path.write_text(json.dumps({**content, "made_by": "another"}), encoding="utf-8")
    assert kept_truths(tmp_path, case)["rate"].value == 1.0
