import math

import pytest

from genprobe.analysis.evidence import Evidence
from genprobe.analysis.findings import findings
from genprobe.types import Dimension, Estimate


def codes(values=None, dimensions=(), se_data=0.0, **options):
    """Codes of the notices for estimates of these values."""
    estimates = {
        name: Estimate(name=name, value=value, se=0.0, se_data=se_data, kind="estimate")
        for name, value in (values or {}).items()
    }
    found = findings(Evidence(estimates=estimates, dimensions=dimensions, **options))
    assert all(notice.message.endswith(".") and notice.remedy.endswith(".") for notice in found)
    return [notice.code for notice in found]


def dimension(rate, active):
    return Dimension(index=0, rate=rate, rate_se_data=None, mean_variance=0.0, active=active)


def test_nothing_to_say_is_said_of_nothing():
    assert codes() == []


@pytest.mark.parametrize(
    ("below", "fires"), [(0.0, True), (0.49, True), (0.51, False), (3.0, False)]
)
def test_saturated_within_half_a_nat_of_log_n(below, fires):
    cap = math.log(1000)
    found = codes({"mutual_information": cap - below, "log_n": cap})
    assert found == (["saturated"] if fires else [])


def test_a_single_example_is_not_called_saturated():
    assert codes({"mutual_information": 0.0, "log_n": 0.0}) == []


@pytest.mark.parametrize(
    ("value", "floor", "fires"),
    [
        (9.2, 9.2, True),
        (10.1, 9.2, True),
        (10.2, 9.2, False),
        (0.0, 0.0, False),
        (0.5, 0.0, False),
    ],
)
def test_marginal_kl_within_a_tenth_of_its_floor(value, floor, fires):
    found = codes({"marginal_kl": value, "marginal_kl_floor": floor})
    assert found == (["marginal-kl-is-floor"] if fires else [])


@pytest.mark.parametrize(
    ("rate", "information", "cap", "fires"),
    [
        (5.0, 0.014, 7.0, True),
        (5.0, 0.11, 7.0, False),
        (0.05, 0.014, 7.0, False),
        (0.0, 0.0, 7.0, False),
        (0.5, 0.08, 7.0, False),
        (5.0, 0.0, 0.0, False),
        (5.0, 0.0, math.log(2), False),
    ],
)
def test_a_rate_that_tells_nothing(rate, information, cap, fires):
    found = codes({"rate": rate, "mutual_information": information, "log_n": cap})
    assert found == (["rate-without-information"] if fires else [])


def test_what_may_yet_tell_something_is_not_said_to_tell_nothing():
    values = {"rate": 5.0, "mutual_information": 0.014, "log_n": 7.0}
    assert codes(values, se_data=0.04) == ["rate-without-information"]
    assert codes(values, se_data=0.05) == []


@pytest.mark.parametrize(
    ("rate", "active", "fires"),
    [
        (0.001, False, True),
        (None, False, True),
        (0.02, False, False),
        (0.001, True, False),
        (1.0, True, False),
    ],
)
def test_dimensions_that_carry_nothing(rate, active, fires):
    found = codes(dimensions=[dimension(rate, active), dimension(1.0, True)])
    assert found == (["collapsed-dimensions"] if fires else [])


@pytest.mark.parametrize(
    ("values", "discrete", "bin_width", "fires"),
    [
        ({"distortion": 1.0}, False, None, True),
        ({"distortion": 1.0}, False, 1 / 255, False),
        ({"distortion": 1.0}, True, None, False),
        ({}, False, None, False),
    ],
)
def test_distortion_of_a_density(values, discrete, bin_width, fires):
    found = codes(values, discrete=discrete, bin_width=bin_width)
    assert found == (["density-distortion"] if fires else [])


@pytest.mark.parametrize("analytic", [True, False])
def test_rate_by_draws(analytic):
    assert codes(rate_analytic=analytic) == ([] if analytic else ["monte-carlo-rate"])


@pytest.mark.parametrize(
    ("error", "fires"), [(None, False), (0.0, False), (1e-3, False), (1.1e-3, True), (5.0, True)]
)
def test_precision_beyond_a_thousandth_of_a_nat(error, fires):
    assert codes(max_error=error) == (["precision"] if fires else [])


def test_the_most_important_comes_first():
    found = codes(
        {
            "mutual_information": 5.0,
            "log_n": 5.0,
            "marginal_kl": 2.0,
            "marginal_kl_floor": 2.0,
            "distortion": 1.0,
        },
        [dimension(0.0, False)],
        rate_analytic=False,
        discrete=False,
        max_error=1.0,
    )
    assert found == [
        "precision",
        "saturated",
        "marginal-kl-is-floor",
        "collapsed-dimensions",
        "density-distortion",
        "monte-carlo-rate",
    ]


def test_a_distortion_that_was_given_is_not_called_a_density():
    values = {"distortion": 3.0}
    given = {"discrete": False, "decoded": False}
    assert codes(values, **given) == ["density-distortion"]
    assert codes(values, **given, bin_width=0.1) == []
    given = Estimate(name="d", value=3.0, se=0.0, se_data=0.0, kind="estimate")
    messages = [
        findings(Evidence(estimates={"distortion": given}, discrete=False, decoded=decoded))[
            0
        ].message
        for decoded in (True, False)
    ]
    assert ["was given" in message for message in messages] == [False, True]
