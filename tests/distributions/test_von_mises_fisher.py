import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import kl_divergence
from torch.nn.functional import normalize

from genprobe.distributions.uniform_sphere import UniformSphere, unit_vector
from genprobe.distributions.von_mises_fisher import VonMisesFisher

DRAWS = 40_000


def example(k, kappa, batch=()):
    torch.manual_seed(3)
    loc = normalize(torch.randn(*batch, k, dtype=torch.float64), dim=-1)
    return VonMisesFisher(loc, torch.full(batch, kappa, dtype=torch.float64))


@pytest.mark.parametrize("k", [2, 3, 10, 50])
@pytest.mark.parametrize("kappa", [0.1, 3.0, 100.0])
def test_density_and_entropy_are_scipys(k, kappa):
    q = example(k, kappa)
    z = q.sample((20,))
    theirs = scipy.stats.vonmises_fisher(q.loc.numpy(), kappa)
    torch.testing.assert_close(q.log_prob(z), torch.from_numpy(theirs.logpdf(z.numpy())))
    assert float(q.entropy()) == pytest.approx(float(theirs.entropy()))


def cosine_cdf(k, kappa):
    """The distribution function of t = μ·z, ∝ e^{κt} (1 − t²)^{(k−3)/2}, by a fine sum in angle."""
    widest = min(math.pi, 40 * math.sqrt(k / max(kappa, 1e-9)))
    angle = torch.linspace(0, widest, 400_001, dtype=torch.float64)
    log_f = -2 * kappa * (angle / 2).sin().square() + (k - 2) * angle.sin().clamp(1e-300).log()
    share = log_f.softmax(0).cumsum(0)
    return lambda values: np.interp(values, angle.numpy(), share.numpy())


@pytest.mark.parametrize("k", [2, 3, 8, 300])
@pytest.mark.parametrize("kappa", [0.0, 1e-3, 1.0, 60.0, 1e4, 1e8])
def test_draws_have_the_exact_distribution_of_the_angle(k, kappa):
    q = example(k, kappa)
    z = q.sample((DRAWS,))
    assert unit_vector.check(z).all()
    # the angle by its half chord, which holds when it is tiny
    angle = 2 * ((z - q.loc).norm(dim=1) / 2).clamp(max=1).asin()
    found = scipy.stats.kstest(angle.numpy(), cosine_cdf(k, kappa))
    assert found.pvalue > 1e-4


@pytest.mark.parametrize("k", [2, 3, 8])
@pytest.mark.parametrize("kappa", [0.0, 1.0, 60.0])
def test_draws_lie_evenly_about_the_mean_direction(k, kappa):
    q = example(k, kappa)
    z = q.sample((DRAWS,))
    across = normalize(z - (z @ q.loc)[:, None] * q.loc, dim=1)
    even = (torch.eye(k) - q.loc.outer(q.loc)) / (k - 1)
    torch.testing.assert_close(across.T @ across / DRAWS, even, atol=0.02, rtol=0)
    assert across.mean(0).abs().max() < 0.02


@pytest.mark.parametrize("k", [2, 3, 8, 300])
@pytest.mark.parametrize("kappa", [0.0, 1e-3, 1.0, 60.0, 1e4])
def test_mean_and_variance_are_those_of_the_draws(k, kappa):
    q = example(k, kappa)
    z = q.sample((DRAWS,))
    error = (z.var(0) / DRAWS).sqrt()
    assert ((z.mean(0) - q.mean).abs() <= 5 * error).all()
    torch.testing.assert_close(z.var(0), q.variance, rtol=0.06, atol=1e-12)


@pytest.mark.parametrize("kappa", [0.1, 5.0, 300.0])
def test_mean_on_the_ordinary_sphere_is_coth_less_its_reciprocal(kappa):
    q = example(3, kappa)
    length = float(q.mean.norm())
    assert length == pytest.approx(1 / math.tanh(kappa) - 1 / kappa)


@pytest.mark.parametrize("kappa", [0.0, 1e-5, 0.1, 5.0, 1e3, 1e9])
def test_divergence_from_uniform_is_the_closed_form_on_the_ordinary_sphere(kappa):
    found = float(kl_divergence(example(3, kappa), UniformSphere(3)))
    if kappa < 1e-3:
        assert found == pytest.approx(kappa**2 / 6, abs=1e-13)
        return
    log_sinh = kappa + math.log1p(-math.exp(-2 * kappa)) - math.log(2)
    truth = kappa / math.tanh(kappa) - 1 + math.log(kappa) - log_sinh
    assert found == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize("k", [2, 10, 2000])
def test_divergences_are_those_of_the_draws(k):
    q, p = example(k, 2.0 * k, (3,)), example(k, 1.0 * k, (3,))
    p = VonMisesFisher(p.loc.flip(0), p.concentration)
    z = q.sample((5000,))
    for other in (p, UniformSphere(k)):
        terms = q.log_prob(z) - other.log_prob(z)
        error = terms.std(0) / math.sqrt(len(terms))
        assert ((kl_divergence(q, other) - terms.mean(0)).abs() <= 5 * error).all()


def test_spheres_of_other_dimensions_are_not_compared():
    with pytest.raises(ValueError, match="spheres"):
        kl_divergence(example(3, 1.0), UniformSphere(4))


def test_a_line_is_no_sphere():
    with pytest.raises(ValueError, match="two dimensions"):
        VonMisesFisher(torch.ones(1), torch.ones(()))


def test_draws_and_moments_are_of_the_dtype_of_loc():
    q = VonMisesFisher(torch.eye(3), torch.tensor([0.0, 1.0, 1e6]))
    assert q.sample((2,)).dtype == torch.float32
    assert q.mean.dtype == torch.float32
    assert q.log_prob(q.sample()).isfinite().all()


def test_the_density_keeps_its_digits_at_huge_concentrations():
    kappa = 1e12
    angle = 1e-6
    q = VonMisesFisher(torch.tensor([1.0, 0.0, 0.0]).double(), torch.tensor(kappa).double())
    z = torch.tensor([math.cos(angle), math.sin(angle), 0.0]).double()
    truth = math.log(kappa / (2 * math.pi)) - 2 * kappa * math.sin(angle / 2) ** 2
    assert float(q.log_prob(z)) == pytest.approx(truth, rel=1e-9)


def test_batches_broadcast_and_expand():
    q = example(4, 2.0, (5,))
    assert q.expand((3, 5)).batch_shape == (3, 5)
    assert q.log_prob(torch.eye(4).double()[:, None]).shape == (4, 5)
