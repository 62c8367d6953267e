import math
import subprocess
import sys

import pytest
import torch
from genprobe_zuko.spline_flow import NAME, spline_flow
from scipy.integrate import quad
from scipy.special import i0e

import genprobe
from genprobe.plugins import plugins
from genprobe.testing import PriorTests
from genprobe.types import Codes

RADIUS, SCALE = 3.0, 0.2


def ring(n, seed=0):
    """Codes evenly on a circle, of a small normal about each."""
    chance = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi * torch.rand(n, generator=chance, dtype=torch.float64)
    mean = RADIUS * torch.stack([angle.cos(), angle.sin()], 1)
    return Codes(mean=mean, variance=torch.full_like(mean, SCALE**2))


def log_ring(r):
    """The aggregate's log density at distance r: a circle convolved with a normal (Rice)."""
    exponent = -((r - RADIUS) ** 2) / (2 * SCALE**2) + math.log(i0e(r * RADIUS / SCALE**2))
    return exponent - math.log(2 * math.pi * SCALE**2)


def entropy_of_ring():
    """Its differential entropy, nats, by quadrature over the distance."""

    def term(r):
        return -2 * math.pi * r * math.exp(log_ring(r)) * log_ring(r)

    return quad(term, RADIUS - 9 * SCALE, RADIUS + 9 * SCALE)[0]


def cross_entropy(factory, codes, z):
    fitted = factory.build(torch.Size([z.shape[1]]), factory.fit(codes, 1, 0))
    return -float(fitted.log_prob(z).mean())


def draws(codes):
    noise = torch.randn(codes.mean.shape, generator=torch.Generator().manual_seed(5)).double()
    return codes.mean + codes.variance.sqrt() * noise


def some_params(k):
    chance = torch.Generator().manual_seed(0)
    mean = torch.randn(600, k, generator=chance, dtype=torch.float64)
    return spline_flow.fit(Codes(mean=mean, variance=torch.full_like(mean, 0.5)), 1, 0)


class TestConformance(PriorTests):
    part = spline_flow
    event_shape = (2,)
    params = some_params(2)


def test_it_comes_close_to_a_ring_where_a_normal_does_not():
    codes, z = ring(4000), draws(ring(20_000, seed=1))
    truth = entropy_of_ring()
    assert cross_entropy(spline_flow, codes, z) == pytest.approx(truth, abs=0.06)
    assert cross_entropy(plugins().get("priors", "full-normal"), codes, z) > truth + 1.5


def test_fitted_marginal_of_a_report_comes_close_to_the_information_of_a_ring(tmp_path):
    codes = ring(1500)
    model = genprobe.Model(
        name="ring",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, SCALE)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    report = genprobe.evaluate(model, codes.mean, device="cpu", store=tmp_path / "store.h5")
    information = entropy_of_ring() - math.log(2 * math.pi * math.e * SCALE**2)
    upper = report["mutual_information_population_upper"]
    assert upper.value > information - 4 * upper.se - 4 * upper.se_data
    assert upper.value < information + 0.15


def test_it_is_over_every_shape_of_z():
    params = some_params(4)
    flat, square = (spline_flow.build(torch.Size(s), params) for s in [(4,), (2, 2)])
    z = flat.sample(20)
    assert torch.equal(square.log_prob(z.view(20, 2, 2)), flat.log_prob(z))
    assert square.sample(3).shape == (3, 2, 2)


def test_one_value_is_enough():
    params = some_params(1)
    grid = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    density = spline_flow.build(torch.Size([1]), params).log_prob(grid[:, None]).exp()
    assert float(torch.trapezoid(density, grid)) == pytest.approx(1, abs=1e-5)


def test_codes_without_variance_are_left_to_others():
    mean = torch.zeros(600, 2, dtype=torch.float64)
    with pytest.raises(torch.linalg.LinAlgError):
        spline_flow.fit(Codes(mean=mean, variance=mean), 1, 0)


def test_fitting_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    some_params(2)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("n", "k"), [(499, 2), (10_000, 65)])
def test_too_few_examples_or_too_wide_codes_are_not_fitted(n, k):
    assert list(spline_flow.sizes(n, k)) == []


def test_zuko_is_not_imported_before_a_flow_is_used():
    code = (
        "import sys, genprobe_zuko; from genprobe.plugins import plugins; "
        f"plugins().get('priors', {NAME!r}); sys.exit('zuko' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
