import pytest
import scipy.stats
import torch

from genprobe.errors import DataError, ModelError
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.testing import LikelihoodTests

X = (torch.arange(24).reshape(4, 2, 3) % 3 == 0).double()
LOGITS = 3 * torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(4, 2, 3)


@pytest.mark.parametrize("name", ["logits", "probs"])
def test_log_probability_sums_over_the_example(name):
    values = LOGITS if name == "logits" else LOGITS.sigmoid()
    truth = scipy.stats.bernoulli.logpmf(X.numpy(), LOGITS.sigmoid().numpy()).sum((1, 2))
    found = bernoulli.distribution({name: values}).log_prob(X)
    torch.testing.assert_close(found, torch.from_numpy(truth))


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_probabilities_outside_the_unit_interval_are_refused(value):
    probs = torch.full((2, 3), 0.5)
    probs[1, 2] = value
    with pytest.raises(ModelError, match=rf"probs of {value:g}; .*\n.*raw outputs as logits"):
        bernoulli.distribution({"probs": probs})


def test_logits_are_not_clamped():
    p = bernoulli.distribution({"logits": torch.full((1, 2), -1000.0)})
    assert p.log_prob(torch.ones(1, 2)).item() == -2000


def test_it_is_a_probability():
    assert bernoulli.discrete


@pytest.mark.parametrize("x", [X, X.float(), torch.zeros(2, 3), torch.ones(2, 3)])
def test_binary_data_are_silently_fine(x):
    assert bernoulli.support(x) is None


@pytest.mark.parametrize("value", [1e-6, 0.5, 1 - 1e-6])
def test_a_single_grey_value_is_noticed(value):
    x = X.clone()
    x[2, 1, 1] = value
    assert bernoulli.support(x).code == "bernoulli-on-grey"


@pytest.mark.parametrize("value", [-1.0, -1e-6, 1.001, 255.0])
def test_values_outside_the_unit_interval_are_refused(value):
    x = X.clone()
    x[2, 1, 1] = value
    with pytest.raises(DataError, match=r"\[0, 1\]"):
        bernoulli.support(x)


class TestConformance(LikelihoodTests):
    part = bernoulli
    params = {"logits": LOGITS[:2]}


class TestConformanceOfProbs(LikelihoodTests):
    part = bernoulli
    params = {"probs": LOGITS[:2].sigmoid()}
