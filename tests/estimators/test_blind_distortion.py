import math

import pytest
import torch
from scipy.stats import entropy, norm

from genprobe.estimators.blind_distortion import blind_distortion
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.likelihoods.normal import normal


def moments(x):
    return x.double().mean(0), x.double().square().mean(0)


def test_for_bits_it_is_the_entropy_of_their_means():
    x = (torch.rand(500, 3) < torch.tensor([0.1, 0.5, 0.9])).float()
    x[:, 2] = 1
    truth = sum(entropy([p, 1 - p]) for p in x.double().mean(0).tolist())
    assert bernoulli.blind(*moments(x)) == pytest.approx(truth)


def test_for_a_normal_it_is_the_best_mean_and_single_scale():
    x = torch.randn(500, 3) * 2 + torch.tensor([0.0, 5.0, -1.0])
    centred = (x - x.mean(0)).double()
    scale = centred.square().mean().sqrt().item()
    costs = [-norm.logpdf(centred.numpy(), scale=s).sum(1).mean() for s in (scale, 1.01 * scale)]
    assert normal.blind(*moments(x)) == pytest.approx(costs[0])
    assert costs[0] < costs[1]


def test_data_that_do_not_vary_have_no_finite_one():
    assert normal.blind(*moments(torch.ones(4, 2))) == -math.inf


def test_the_estimate_is_exact():
    found = blind_distortion(3.5, 10)
    assert (found.value, found.se, found.kind, found.n) == (3.5, 0.0, "exact", 10)
