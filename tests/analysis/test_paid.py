import math

import pytest
import torch

import genprobe
from genprobe.analysis.paid import candidates_of, least_paid
from genprobe.plugins import plugins

INDEX = torch.randint(6, (300, 4, 4), generator=torch.Generator().manual_seed(0))
INDEX[:, :, 1] = INDEX[:, :, 0]


def asked(*names):
    return {name: plugins().get("estimators", name) for name in names}


def test_candidates_of_tokens_begin_with_the_one_that_knows_nothing():
    report = genprobe.evaluate_posteriors({"index": INDEX, "classes": 8}, event_shape=(1, 8, 8))
    found = candidates_of(report)
    assert [each.candidate for each in found] == [
        "uniform",
        "token-histogram",
        "token-positions",
        "token-context",
    ]
    assert found[0].bits == pytest.approx(16 * 3)
    assert (found[0].pixels, found[0].tokens) == (64, 16)
    # One of four columns is given by another; counts of so few examples are not sure of it.
    assert 12 * math.log2(6) < found[-1].bits < 16 * math.log2(6)
    best = least_paid(report)
    assert (best.candidate, best.nats) == ("token-context", report["rate_fitted_prior"])


def test_the_model_s_own_prior_of_tokens_is_a_candidate_where_it_knows_something():
    report = genprobe.evaluate_posteriors(
        {"index": INDEX, "classes": 8}, prior=genprobe.fit_prior(uniform()), dataset="d"
    )
    first, second, *_ = candidates_of(report)
    assert second.candidate == "uniform"
    assert first.candidate == report.provenance["prior"]
    assert first.nats == report["rate"]


def uniform():
    return genprobe.evaluate_posteriors({"index": INDEX, "classes": 8})


def test_candidates_of_a_grid_begin_with_the_model_s_own_prior():
    loc = torch.randn(200, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    report = genprobe.evaluate_posteriors(
        {"loc": loc, "scale": torch.full_like(loc, 0.5)},
        estimators=asked("rate", "scaling_factor", "rate_fitted_prior"),
    )
    found = candidates_of(report)
    assert found[0].candidate == "standard-normal"
    assert found[0].nats == report["rate"]
    assert {"diagonal-normal", "channel-normal", "stationary-normal"} <= {
        each.candidate for each in found
    }
    assert (found[0].pixels, found[0].tokens) == (None, None)


def test_a_code_without_places_has_its_prior_and_the_best_fitted_one():
    loc = torch.randn(200, 2, generator=torch.Generator().manual_seed(1))
    params = {"loc": loc, "scale": torch.full_like(loc, 0.5)}
    report = genprobe.evaluate_posteriors(params)
    rung = report.provenance["fitted_prior"]["rung"]
    assert [each.candidate for each in candidates_of(report)] == ["standard-normal", rung]
    alone = genprobe.evaluate_posteriors(params, estimators=asked("rate"))
    assert [each.candidate for each in candidates_of(alone)] == ["standard-normal"]
    assert least_paid(alone).candidate == "standard-normal"
    nothing = genprobe.evaluate_posteriors(params, estimators={})
    assert candidates_of(nothing) == ()
    assert least_paid(nothing) is None
