import pytest
import torch

import genprobe
from genprobe.analysis.withheld import vacuous
from genprobe.types import Estimate


def estimates(**values):
    return {
        name: Estimate(name=name, value=value, se=0.0, se_data=0.1, kind="upper")
        for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("rate", "bound", "far"),
    [(19.3, 48.6, True), (19.3, 21.0, False), (0.1, 0.9, False), (0.1, 1.2, True), (4, 3, False)],
)
@pytest.mark.parametrize("name", ["mutual_information_loo", "rate_fitted_prior"])
def test_a_bound_far_above_the_rate_is_not_stated(name, rate, bound, far):
    assert (name in vacuous(estimates(rate=rate, **{name: bound}))) == far


def test_what_a_fitted_prior_saves_goes_with_it():
    found = vacuous(estimates(rate=2.0, rate_fitted_prior=400.0, prior_saving=-398.0))
    assert found.keys() == {"rate_fitted_prior", "prior_saving"}


def test_without_a_rate_nothing_is_held_against_a_bound():
    assert vacuous(estimates(mutual_information_loo=400.0)) == {}


def test_a_report_of_separate_codes_says_why_the_row_is_missing():
    loc = torch.arange(200.0)[:, None] / 50 - 2
    params = {"loc": loc, "scale": torch.full((200, 1), 1e-4)}
    report = genprobe.evaluate_posteriors(params)
    # The nearer of two others is 200 standard deviations away, but for the draw's own deviation.
    assert report["mutual_information_loo"].value > 0.49 * 200**2
    assert "R = " in report.provenance["vacuous"]["mutual_information_loo"]
    assert "by leave-one-out" not in report.details()
    upper = report["mutual_information_population_upper"]
    assert upper.value <= report["rate"].value + 1e-9
    assert upper.se < 0.1
    lower = report["marginal_kl_population_lower"]
    assert lower.value >= 0
    assert lower.value <= report["marginal_kl_population_upper"].value


@pytest.mark.parametrize("value", [-110.0, 0.0])
def test_a_bound_from_below_that_is_not_above_zero_says_nothing(value):
    name = "generative_mutual_information"
    assert "cannot be negative" in vacuous(estimates(**{name: value}))[name]
    assert vacuous(estimates(**{name: 0.1})) == {}
