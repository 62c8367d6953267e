"""95 % intervals of I(n;z) and of marginal KL hold the truth of their estimand, over 60 seeds.

The limits are four standard errors of a proportion wide; ``nox -s validation`` does 400 seeds.
"""

import math
from functools import partial

import pytest

import genprobe
from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.estimators.mutual_information import mutual_information
from genprobe.self_check.codes import plane_codes
from genprobe.self_check.exact import cube_truths, matched
from genprobe.self_check.models import cube
from validation.truths import brute_index

pytestmark = pytest.mark.seeds

SEEDS = 60
ESTIMATORS = {"mutual_information": mutual_information, "marginal_kl": marginal_kl}


def reports(subject):
    return [
        genprobe.evaluate(subject.model, subject.data, seed=seed, estimators=ESTIMATORS)
        for seed in range(SEEDS)
    ]


def covered(found, name, truth):
    """The share of intervals that hold the truth."""
    hits = [
        abs(report[name].value - truth.value) <= 1.96 * math.hypot(report[name].se, truth.error)
        for report in found
    ]
    return sum(hits) / len(hits)


@pytest.mark.parametrize(("a", "s"), [(0.8, 0.6), (0.95, 0.25)])
def test_on_the_hypercube(a, s):
    found, truths = reports(cube(0, d=10, a=a, s=s)), cube_truths(10, a, s)
    for name in ESTIMATORS:
        assert covered(found, name, truths[name]) >= 0.83


def test_on_linear_gaussian_codes():
    gain, scale = matched(4, 5.0)
    make = partial(plane_codes, n=1000, k=4, gain=gain, scale=scale)
    found, truths = reports(make(0)), brute_index(make, 100)
    for name in ESTIMATORS:
        assert covered(found, name, truths[name]) >= 0.83
    truth = truths["mutual_information"]
    estimates = [report["mutual_information"] for report in found]
    squares = [((e.value - truth.value) / math.hypot(e.se, truth.error)) ** 2 for e in estimates]
    assert abs(sum(squares) / SEEDS - 1) < 4 * math.sqrt(2 / SEEDS)


def test_fewer_queries_are_needed_than_by_the_plain_estimator():
    gain, scale = matched(10, 6.0)
    codes = plane_codes(0, n=2000, k=10, gain=gain, scale=scale)
    for subject in (cube(0, d=10, a=0.8, s=0.6), codes):
        report = genprobe.evaluate(subject.model, subject.data, estimators=ESTIMATORS)
        facts = report.provenance
        assert facts["queries_needed"] * 3 <= facts["plain_queries"]
