import math

import pytest
import scipy.stats
import torch

import genprobe
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


@pytest.mark.parametrize("p", [1e-8, 1e-30, 0.3, 1 - 2**-20])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_probabilities_are_not_clamped(p, dtype):
    given = torch.tensor([[p]], dtype=dtype)
    found = bernoulli.distribution({"probs": given.repeat(2, 1)})
    log_p = found.log_prob(torch.tensor([[1.0], [0.0]]))
    exact = float(given)
    truth = torch.tensor([math.log(exact), math.log1p(-exact)], dtype=torch.float64)
    torch.testing.assert_close(log_p, truth, rtol=1e-14, atol=1e-15)


def test_a_value_that_cannot_be_costs_infinitely_much_and_a_certain_one_nothing():
    probs = torch.tensor([[0.0], [1.0]], requires_grad=True)
    p = bernoulli.distribution({"probs": probs})
    assert p.log_prob(torch.tensor([[1.0], [0.0]])).tolist() == [-math.inf, -math.inf]
    certain = p.log_prob(torch.tensor([[0.0], [1.0]]))
    assert certain.tolist() == [0.0, 0.0]
    (gradient,) = torch.autograd.grad(certain.sum(), probs)
    assert gradient.flatten().tolist() == [-1.0, 1.0]


def model(decode):
    """x is its own code, plus noise."""
    return genprobe.Model(
        name="bits",
        encode=lambda x: {"loc": 20 * x - 10, "scale": torch.full_like(x, 0.5)},
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )


def test_an_infinite_distortion_names_example_value_and_probability():
    x = torch.zeros(50, 2, 3)
    x[31, 1, 2] = 1

    def decode(z):
        return {"probs": torch.where(z > 0, 0.0, 0.25)}

    with pytest.raises(ModelError) as caught:
        genprobe.evaluate(model(decode), x)
    assert caught.value.what == (
        "The decoder of bits gives a log p(x|z) that is not finite, at example 31: its value "
        "[1, 2] is 1, where the decoder gives probs 0."
    )
    assert "Return logits" in caught.value.remedy


def test_distortion_and_slope_of_probabilities_are_those_of_their_logits():
    x = (torch.rand(60, 3, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    # Logits of ±20 ± 1: a sigmoid in float32 is 1 at the one end, and 2e-9 at the other.
    by_probs, by_logits = (
        genprobe.evaluate(model(decode), x, draws=4)
        for decode in (lambda z: {"probs": (2 * z).sigmoid()}, lambda z: {"logits": 2 * z})
    )
    assert by_probs["distortion"].value == pytest.approx(by_logits["distortion"].value, abs=1e-7)
    assert by_probs["slope"].value == pytest.approx(by_logits["slope"].value, abs=1e-7)


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
