import scipy.stats
import torch

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.standard_normal import standard_normal
from genprobe.testing import PriorTests

PRIOR = standard_normal.build(torch.Size([2, 2]), {})


def test_kl_is_the_closed_form(posteriors, kl_of_normals):
    torch.testing.assert_close(
        PRIOR.kl(diagonal_normal, posteriors), kl_of_normals(posteriors, 0, 1)
    )


def test_kl_is_what_draws_say(posteriors, within_monte_carlo):
    within_monte_carlo(PRIOR.kl(diagonal_normal, posteriors), diagonal_normal, posteriors, PRIOR)


def test_density_sums_over_the_event():
    z = torch.randn(5, 3, 2, 2, dtype=torch.float64)
    truth = torch.from_numpy(scipy.stats.norm.logpdf(z.numpy())).sum((2, 3))
    torch.testing.assert_close(PRIOR.log_prob(z), truth)


def test_samples_have_zero_mean_and_unit_variance():
    z = PRIOR.sample(10_000)
    assert z.shape == (10_000, 2, 2)
    assert (z.mean(0).abs() < 4 / 100).all()
    assert ((z.var(0) - 1).abs() < 4 * 2**0.5 / 100).all()


class TestConformance(PriorTests):
    part = standard_normal
    event_shape = (2, 3)
