import pytest
import torch
from scipy.special import log_softmax

import genprobe
from genprobe.errors import ModelError, SupportError
from genprobe.likelihoods.categorical import categorical
from genprobe.testing import LikelihoodTests

LOGITS = torch.linspace(-50, 50, 240).reshape(4, 2, 3, 10).flip(1).sin() * 50
X = (torch.arange(24.0) * 7 % 10).reshape(4, 2, 3)


def truth(x, logits):
    log_p = torch.from_numpy(log_softmax(logits.double().numpy(), -1))
    return log_p.gather(-1, x.long()[..., None]).squeeze(-1).sum((1, 2))


def test_log_probability_sums_over_the_example(differentiable):
    found = categorical.distribution({"logits": LOGITS.double()}).log_prob(X)
    torch.testing.assert_close(found, truth(X, LOGITS), rtol=1e-12, atol=1e-12)
    differentiable(categorical, {"logits": LOGITS / 10}, X)


def test_logits_of_fifty_in_float32():
    found = categorical.distribution({"logits": LOGITS}).log_prob(X)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, truth(X, LOGITS), rtol=1e-6, atol=1e-4)


def test_every_example_of_a_stack_is_summed_on_its_own():
    p = categorical.distribution({"logits": LOGITS.double()})
    x = p.sample((5,))
    assert x.shape == (5, 4, 2, 3)
    torch.testing.assert_close(p.log_prob(x), torch.stack([p.log_prob(one) for one in x]))


def test_it_is_a_probability_of_whole_numbers(refused):
    assert categorical.discrete
    assert categorical.support(X) is None
    assert categorical.blind is None
    for value in (-1.0, 0.5):
        refused(categorical, X, value)


def test_a_class_that_has_no_logit_is_named_by_its_place_in_the_data():
    x = torch.zeros(3000, 2)
    x[2345, 1] = 3
    model = genprobe.Model(
        name="three classes",
        encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
        decode=lambda z: {"logits": torch.zeros(len(z), 2, 3)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="categorical",
    )
    with pytest.raises(SupportError, match=r"Example 2345 has the value 3.* levels 0, 1, …, 2"):
        genprobe.evaluate(model, x, max_queries=10)


def test_logits_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="logits of nan"):
        categorical.distribution({"logits": torch.full((1, 2, 3), torch.nan)})


class TestConformance(LikelihoodTests):
    part = categorical
    params = {"logits": LOGITS[:2, 0, :2] / 30}
    # That a class is beyond the last is seen only where the logits are.
    outside = (X[:3, 0] - 1, X[:3, 0] + 0.5)


def test_probs_are_the_same_as_their_logarithms():
    probs = torch.tensor([[[0.2, 0.3, 0.5], [0.0, 0.25, 0.75]]])
    x = torch.tensor([[0.0, 2.0]])
    found = categorical.distribution({"probs": probs}).log_prob(x)
    torch.testing.assert_close(found.exp(), torch.tensor([0.2 * 0.75]).double())


def test_probs_that_do_not_sum_to_1_are_refused():
    with pytest.raises(ModelError, match=r"3 classes that sum to 1\.5, not to 1"):
        categorical.distribution({"probs": torch.full((1, 2, 3), 0.5)})


def test_what_is_masked_costs_nothing_and_need_be_no_class():
    logits = torch.randn(2, 3, 5)
    x = torch.tensor([[1.0, 4.0, 2.0], [0.0, 3.0, 7.0]])
    mask = torch.tensor([[1, 1, 1], [1, 0, 0]])
    found = categorical.distribution({"logits": logits, "mask": mask}).log_prob(x)
    log_p = logits.double().log_softmax(-1)
    truth = [log_p[0, 0, 1] + log_p[0, 1, 4] + log_p[0, 2, 2], log_p[1, 0, 0]]
    torch.testing.assert_close(found, torch.stack(truth), atol=1e-6, rtol=0)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ModelError, match="mask of shape"):
        categorical.distribution({"logits": torch.zeros(2, 3, 5), "mask": torch.ones(2, 1)})
