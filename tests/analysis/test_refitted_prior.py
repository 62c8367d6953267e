import dataclasses

import pytest
import torch

import genprobe
from genprobe.errors import UnavailableError, UsageError
from genprobe.loaders.prior_file import write_prior
from genprobe.plugins import plugins


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


def field(seed):
    """Codes of which neighbours are alike, of shape (2, 9, 10)."""
    z = torch.randn(300, 2, 11, 12, generator=torch.Generator().manual_seed(seed))
    loc = torch.nn.functional.avg_pool2d(z, 3, 1) * 4
    return {"loc": loc, "scale": torch.full_like(loc, 0.1)}


def test_a_field_is_a_prior_by_name_in_a_file(tmp_path):
    names = ("rate", "rate_fitted_prior", "prior_saving")
    estimators = {name: plugins().get("estimators", name) for name in names}
    train = genprobe.evaluate_posteriors(field(1), estimators=estimators)
    prior = genprobe.fit_prior(train)
    assert prior.name == "stationary-normal"
    write_prior(prior, tmp_path / "prior.npz")
    swapped = genprobe.evaluate_posteriors(
        field(2), prior=tmp_path / "prior.npz", estimators=estimators
    )
    fitted = train["rate_fitted_prior"]
    errors = fitted.se_data + swapped["rate"].se_data
    # The file's prior is fitted to five folds, not to four: 1 nat or so better.
    assert abs(swapped["rate"].value + 0.5 - fitted.value) < 4 * errors
    assert swapped["prior_saving"].value < 0.01 * swapped["rate"].value


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
