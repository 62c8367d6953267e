import pytest
import torch
from torch.distributions import Gamma

from genprobe.errors import ModelError
from genprobe.priors.factorised import factorised

SHAPE = torch.Size([2, 2])
gamma = factorised("mine", Gamma, ("concentration", "rate"))
ONE = torch.ones(2)


def test_it_is_the_product_over_the_entries():
    rate = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    prior = gamma.build(SHAPE, {"concentration": torch.tensor(2.0), "rate": rate})
    z = torch.rand(5, 2, 2, dtype=torch.float64)
    truth = (2 * rate.log() + z.log() - rate * z).sum((1, 2))
    torch.testing.assert_close(prior.log_prob(z), truth)
    assert prior.sample(3).shape == (3, 2, 2)
    again = gamma.build(SHAPE, prior.params)
    assert torch.equal(again.log_prob(z), prior.log_prob(z))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rate": ONE}, "mine needs concentration"),
        ({}, "mine needs concentration and rate"),
        ({"concentration": ONE, "rate": ONE / 0}, "a rate that is not finite"),
        ({"concentration": -ONE, "rate": ONE}, "a concentration that does not satisfy.*: -1"),
        ({"concentration": torch.ones(3), "rate": ONE}, r"shape \(3,\); it must .* \(2, 2\)"),
    ],
)
def test_unusable_tensors_are_refused(params, message):
    with pytest.raises(ModelError, match=message):
        gamma.build(SHAPE, params)
