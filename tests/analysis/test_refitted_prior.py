import dataclasses

import pytest
import torch

import genprobe
from genprobe.errors import UnavailableError, UsageError


def posteriors(n, seed):
    """Codes around two centres; the standard normal fits them badly."""
    random = torch.Generator().manual_seed(seed)
    side = torch.randint(2, (n, 1), generator=random) * 6.0 - 3
    loc = torch.cat([side, torch.zeros(n, 1)], 1) + 0.3 * torch.randn(n, 2, generator=random)
    return {"loc": loc, "scale": torch.full((n, 2), 0.4)}


@pytest.fixture(scope="module")
def train():
    return genprobe.evaluate_posteriors(posteriors(900, 1))


def test_on_other_examples_it_saves_what_the_report_states(train):
    prior = genprobe.fit_prior(train)
    test = posteriors(900, 2)
    own = genprobe.evaluate_posteriors(test)
    swapped = genprobe.report_from_store(own.store, prior=prior)
    saved = own["rate"].value - swapped["rate"].value
    stated = train["prior_saving"]
    assert stated.value > 3
    assert abs(saved - stated.value) < 4 * stated.se_data + 0.1
    assert not any(w.code == "prior-of-these-examples" for w in swapped.warnings)


def test_it_is_the_candidate_that_the_report_names(train):
    named = train.provenance["fitted_prior"]["rung"]
    prior = genprobe.fit_prior(train)
    size = len(prior.params["probs"])
    assert named == f"{prior.name} ({size})"


def test_on_the_examples_it_was_fitted_to_a_warning_says_so(train):
    prior = genprobe.fit_prior(train)
    again = genprobe.report_from_store(train.store, prior=prior)
    assert "prior-of-these-examples" in {w.code for w in again.warnings}


def test_without_the_codes_there_is_nothing_to_fit_to(train):
    with pytest.raises(UsageError, match="without the codes"):
        genprobe.fit_prior(dataclasses.replace(train, store=None))


def test_where_no_prior_can_be_fitted_the_reason_is_given():
    alike = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    with pytest.raises(UnavailableError, match="two that differ"):
        genprobe.fit_prior(genprobe.evaluate_posteriors(alike))
