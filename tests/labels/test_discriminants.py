"""Discriminants are normals of the classes' moments, as torch.distributions has them."""

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.labels.discriminants import (
    ClassSums,
    class_sums,
    frequencies_only,
    linear,
    log_prior,
    quadratic,
)
from genprobe.labels.features import expand, features_of

N, K, C = 4000, 3, 3
SQUARES = [1 + K + i for i in (0, 3, 5)]
"""Among the products of three dimensions."""


@pytest.fixture
def case(normals):
    torch.manual_seed(0)
    means = 2 * torch.randn(C, K).double()
    y, loc, scale = normals(means, N, 0)
    features = features_of(diagonal_normal, {"loc": loc, "scale": scale}, torch.arange(N), 0)
    centre, spread = loc.mean(0), (loc.var(0, correction=0) + 0.4).sqrt()
    return (
        y,
        (loc - centre) / spread,
        scale / spread,
        ClassSums(class_sums(features, y, C), K, True),
    )


def moments(y, loc, scale):
    for c in range(C):
        mine = loc[y == c]
        yield mine.mean(0), torch.cov(mine.T, correction=0) + (scale[y == c] ** 2).mean(0).diag()


@pytest.mark.parametrize("fit", [linear, quadratic])
def test_it_is_the_posterior_of_normals(case, fit):
    y, loc, scale, sums = case
    parts = list(moments(y, loc, scale))
    within = sum(len(y[y == c]) / N * cov for c, (_, cov) in enumerate(parts))
    z = torch.randn(200, K).double()
    logs = [
        MultivariateNormal(mean, within if fit is linear else cov).log_prob(z)
        for mean, cov in parts
    ]
    truth = (torch.stack(logs, 1) + log_prior(sums.counts)).log_softmax(1)
    found = (expand(z, True) @ fit(sums)).log_softmax(1)
    # The rest is what a class of few examples leans on, and the ridge.
    torch.testing.assert_close(found, truth, atol=0.08, rtol=0.01)


def test_with_squares_alone_the_dimensions_are_independent(case):
    y, loc, scale, sums = case
    full = sums.sums
    small = type(sums)(torch.cat([full[:, : 1 + K], full[:, SQUARES]], 1), K, False)
    z = torch.randn(100, K).double()
    logs = [
        Normal(mean, cov.diagonal().sqrt()).log_prob(z).sum(1)
        for mean, cov in moments(y, loc, scale)
    ]
    truth = (torch.stack(logs, 1) + log_prior(sums.counts)).log_softmax(1)
    found = (expand(z, False) @ quadratic(small)).log_softmax(1)
    torch.testing.assert_close(found, truth, atol=0.08, rtol=0.01)


def test_a_class_without_examples_is_unlikely_and_finite(case):
    *_, sums = case
    gone = type(sums)(torch.cat([sums.sums, torch.zeros(1, sums.sums.shape[1]).double()]), K, True)
    for fit in (frequencies_only, linear, quadratic):
        logs = (expand(torch.randn(50, K).double(), True) @ fit(gone)).log_softmax(1)
        assert logs.isfinite().all()
        assert logs[:, -1].max() < -5


@pytest.mark.parametrize("full", [True, False])
def test_several_fits_at_once_are_each_by_itself(case, full):
    *_, sums = case
    sums = sums.sums if full else torch.cat([sums.sums[:, : 1 + K], sums.sums[:, SQUARES]], 1)
    several = torch.stack([sums, sums * 0.5, sums.flip(0)])
    for fit in (frequencies_only, linear, quadratic):
        found = fit(ClassSums(several, K, full))
        for one, part in zip(found, several, strict=True):
            torch.testing.assert_close(one, fit(ClassSums(part, K, full)))
