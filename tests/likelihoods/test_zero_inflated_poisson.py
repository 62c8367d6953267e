import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch

from genprobe.likelihoods.zero_inflated_poisson import zero_inflated_poisson

X = torch.arange(24.0).reshape(4, 2, 3) % 5
PARAMS = {
    "rate": X.flip(0) + 0.3,
    "gate_logits": torch.linspace(-50, 50, 24).reshape(4, 2, 3),
}


def each(x, rate, gate):
    """Log-probabilities formed by logaddexp of scipy's, in float64."""
    base = scipy.stats.poisson.logpmf(x, rate) - np.logaddexp(0, gate)
    return np.where(x == 0, np.logaddexp(-np.logaddexp(0, -gate), base), base)


def test_every_constant_of_the_probability_counts(differentiable):
    arrays = [t.double().numpy() for t in (X, PARAMS["rate"], PARAMS["gate_logits"])]
    found = zero_inflated_poisson.distribution(PARAMS).log_prob(X)
    truth = torch.from_numpy(each(*arrays).sum((1, 2)))
    torch.testing.assert_close(found, truth, rtol=1e-11, atol=1e-9)
    differentiable(zero_inflated_poisson, PARAMS, X)


def test_it_is_a_probability_of_counts(refused):
    assert zero_inflated_poisson.discrete
    assert zero_inflated_poisson.support(X) is None
    refused(zero_inflated_poisson, X, 0.5)


def test_samples_have_its_mean():
    p = zero_inflated_poisson.distribution(PARAMS)
    torch.testing.assert_close(p.sample((20000,)).mean(0), p.mean, rtol=0.05, atol=0.05)


def blind(x):
    more = {k: v.mean(0) for k, v in zero_inflated_poisson.statistics(x).items()}
    return zero_inflated_poisson.blind(x.mean(0), x.square().mean(0), **more)


def best(column):
    """The least mean cost over rate and gate that a search finds, from several starts."""
    x = column.numpy()

    def cost(at):
        return -each(x, np.exp(at[0]), at[1]).mean()

    starts = [(a, b) for a in (-1.0, 1.0) for b in (-8.0, 0.0, 2.0)]
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    found = [
        scipy.optimize.minimize(cost, s, method="Nelder-Mead", options=options) for s in starts
    ]
    return min(f.fun for f in found)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_its_blind_distortion_is_that_of_the_best_constants(share):
    x = torch.poisson(torch.tensor([0.3, 4.0]).double().expand(300, 2))
    x[torch.rand(300, 2) < share] = 0
    assert blind(x) == pytest.approx(sum(best(column) for column in x.T), abs=1e-5)


def test_constant_columns_cost_what_they_must():
    x = torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]).double()
    # The first is certain; of the second a Poisson of its mean has fewer ones, so no gate closes.
    assert blind(x) == pytest.approx(0.25 - 0.25 * math.log(0.25))
