import re
from dataclasses import replace

import pytest

from genprobe.self_check import check as checks

FEW = ("cube", "bits")


@pytest.fixture
def few(monkeypatch):
    """Two of the cases only, so that a check takes seconds."""
    chosen = [case for case in checks.self_checks() if case.name in FEW]
    monkeypatch.setattr(checks, "self_checks", lambda: chosen)
    return chosen


def test_shows_expected_beside_measured_and_that_all_is_well(run, few):
    result = run("validate", "--seeds", 2, "--jobs", 1)
    assert result.exit_code == 0, result.stdout + result.stderr
    # H = 10 ln 2 and R = 5 (s² + a² − 1 − ln s²) for a = .8, s = .6.
    assert re.search(r"cube +R +5\.1083 +5\.1083 +exact +0", result.stdout)
    assert "All are as expected." in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_wrong_number_is_named_and_is_exit_1(run, few, monkeypatch):
    case = few[0]
    truths = dict(case.truths())
    truths["rate"] = replace(truths["rate"], value=truths["rate"].value + 0.01)
    monkeypatch.setattr(checks, "self_checks", lambda: [replace(case, truths=lambda: truths)])
    result = run("validate", "--seeds", 2, "--jobs", 1)
    assert result.exit_code == 1
    assert "Wrong: R of cube" in result.stdout
    assert "as expected" not in result.stdout


def test_seeds_give_other_noise_and_the_same_seed_the_same(few):
    first, again, other = (checks.check(["cube"], seed=s, seeds=1) for s in (0, 0, 1))
    assert [f.value for f in first] == [f.value for f in again]
    assert [f.value for f in first] != [f.value for f in other]
