"""The audit runs what is missing and no more, and its tables show what was run."""

import pytest
from click.testing import CliRunner

from validation.__main__ import main
from validation.cases import CASES
from validation.coverage_sections import bracket_section, content, coverage_sections, judge
from validation.page import table
from validation.results import read_rows

NAME = "bits-20-mc"
BRACKET = "bracket-20-data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Results of two cases, three seeds each."""
    found = tmp_path_factory.mktemp("results")
    for pattern in (NAME, BRACKET):
        done = run(found, "--cases", pattern, "--seeds", 3)
        assert done.exit_code == 0, done.output
    return found


def run(folder, *arguments):
    given = ["--results", folder, "--jobs", 1, "--no-page", *arguments]
    return CliRunner().invoke(main, [str(a) for a in given])


def test_rows_are_kept_by_seed_and_not_run_again(folder):
    before = (folder / f"{NAME}.jsonl").read_bytes()
    assert [row["seed"] for row in read_rows(folder, NAME)] == [0, 1, 2]
    assert run(folder, "--cases", NAME, "--seeds", 3).exit_code == 0
    assert (folder / f"{NAME}.jsonl").read_bytes() == before


def test_a_row_has_estimates_with_both_errors_and_what_was_said(folder):
    [row, *_] = read_rows(folder, NAME)
    value, se, se_data, remark = row["estimates"]["rate"]
    assert value > 0
    assert se == 0
    assert se_data is None  # of twenty examples
    assert "150" in remark
    assert {"seconds", "absent", "notices"} <= row.keys()


def test_a_budget_that_is_spent_stops_and_is_told(tmp_path):
    done = run(tmp_path, "--cases", NAME, "--seeds", 2, "--budget-minutes", 0)
    assert done.exit_code == 0
    assert "goes on from here" in done.stderr
    assert read_rows(tmp_path, NAME) == []


def test_the_tables_show_what_was_run(folder):
    judged = judge(CASES, folder)
    text = "\n".join(table(section) for section in coverage_sections(judged))
    assert f"| {NAME} |" in text
    assert "| exact |" in text
    [cell] = [c for c in content(judged) if (c["case"], c["estimate"]) == (NAME, "rate")]
    assert (cell["verdict"], cell["seeds"], cell["printed"]) == ("exact", 3, 1.0)


def test_the_brackets_stand_beside_the_number_of_the_population(folder):
    # I(X;Z) = (k/2) ln(variance / noise): 1.5 by the making of the case.
    text = table(bracket_section(CASES, folder))
    assert f"| {BRACKET} | prior a little off | 20 | I(X;Z) | 1.5000 |" in text
