import numpy as np
import pytest
import scipy.stats
import torch

from genprobe.likelihoods.zero_inflated_negative_binomial import (
    zero_inflated_negative_binomial,
)

X = (torch.arange(24.0).reshape(4, 2, 3) % 5) ** 3
PARAMS = {
    "mu": X.flip(0) + 0.3,
    "theta": torch.linspace(0.1, 5, 6).reshape(2, 3),
    "gate_logits": torch.linspace(-50, 50, 24).reshape(4, 2, 3),
}


def truth(x, mu, theta, gate_logits):
    """Σ over an example of log-probabilities formed by logaddexp of scipy's, in float64."""
    x, mu, theta, gate = (t.double().numpy() for t in (x, mu, theta, gate_logits))
    open_, shut = -np.logaddexp(0, gate), -np.logaddexp(0, -gate)
    base = scipy.stats.nbinom.logpmf(x, theta, theta / (theta + mu)) + open_
    return torch.from_numpy(np.where(x == 0, np.logaddexp(shut, base), base).sum((1, 2)))


def test_every_constant_of_the_probability_counts(differentiable):
    found = zero_inflated_negative_binomial.distribution(PARAMS).log_prob(X)
    torch.testing.assert_close(found, truth(X, **PARAMS), rtol=1e-11, atol=1e-9)
    differentiable(zero_inflated_negative_binomial, PARAMS, X)


@pytest.mark.parametrize("gate", [-50.0, 0.0, 3.0, 50.0])
def test_it_sums_to_one(gate):
    shape = (4000, 1)
    params = {
        "mu": torch.full(shape, 20.0),
        "theta": torch.ones(1),
        "gate_logits": torch.full(shape, gate),
    }
    p = zero_inflated_negative_binomial.distribution(params)
    assert p.log_prob(torch.arange(4000.0)[:, None]).exp().sum().item() == pytest.approx(1)


def test_it_is_a_probability_of_counts(refused):
    assert zero_inflated_negative_binomial.discrete
    assert zero_inflated_negative_binomial.support(X) is None
    assert zero_inflated_negative_binomial.blind is None
    refused(zero_inflated_negative_binomial, X, 0.5)


def test_samples_have_its_moments():
    p = zero_inflated_negative_binomial.distribution({k: v for k, v in PARAMS.items()})
    x = p.sample((20000,))
    assert zero_inflated_negative_binomial.support(x) is None
    torch.testing.assert_close(x.mean(0), p.mean, rtol=0.25, atol=0.1)
