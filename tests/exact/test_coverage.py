"""95 % intervals of I(n;z) and of marginal KL hold the truth of their estimand, over 60 seeds.

The limits are four standard errors of a proportion wide; ``nox -s validation`` does 400 seeds.
"""

import math

import pytest

import genprobe
from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.estimators.mutual_information import mutual_information
from validation.cases import finite_information, gaussian, hypercube

SEEDS = 60
ESTIMATORS = {"mutual_information": mutual_information, "marginal_kl": marginal_kl}


def reports(case):
    return [
        genprobe.evaluate(case.model, case.data, seed=seed, estimators=ESTIMATORS)
        for seed in range(SEEDS)
    ]


def covered(found, name, truths, noise=0.0):
    """The share of intervals that hold the truth."""
    hits = [
        abs(report[name].value - truth) <= 1.96 * math.hypot(report[name].se, noise)
        for report, truth in zip(found, truths, strict=True)
    ]
    return sum(hits) / len(hits)


@pytest.mark.parametrize(("a", "s"), [(0.5, math.sqrt(0.75)), (0.8, 0.6), (0.95, 0.25)])
def test_on_the_hypercube(a, s):
    case = hypercube(10, a, s)
    found = reports(case)
    for name in ESTIMATORS:
        assert covered(found, name, [case.truth[name]] * SEEDS) >= 0.83


def test_on_linear_gaussian_codes():
    case = gaussian(4, 1000, 5.0, seed=0)
    truth, noise = finite_information(case, 100)
    found = reports(case)
    assert covered(found, "mutual_information", [truth] * SEEDS, noise) >= 0.83
    rates = [r["marginal_kl"].value + r["mutual_information"].value for r in found]
    assert covered(found, "marginal_kl", [rate - truth for rate in rates], noise) >= 0.83
    estimates = [report["mutual_information"] for report in found]
    squares = [((e.value - truth) / math.hypot(e.se, noise)) ** 2 for e in estimates]
    assert abs(sum(squares) / SEEDS - 1) < 4 * math.sqrt(2 / SEEDS)


def test_fewer_queries_are_needed_than_by_the_plain_estimator():
    for case in (hypercube(10, 0.8, 0.6), gaussian(10, 2000, 6.0, seed=0)):
        facts = genprobe.evaluate(case.model, case.data, estimators=ESTIMATORS).provenance
        assert facts["queries_needed"] * 3 <= facts["plain_queries"]
