import math

import mpmath
import pytest
import torch
from torch.nn.functional import normalize

from genprobe import Model
from genprobe.distributions.uniform_sphere import UniformSphere
from genprobe.errors import ModelError
from genprobe.families.von_mises_fisher import von_mises_fisher
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests
from genprobe.testing.measure import on_sphere


def directions(n, k):
    return normalize(torch.randn(n, k), dim=1)


def uniform(k):
    return prior_from_distribution("sphere", UniformSphere(k))


class TestConformance(FamilyTests):
    part = von_mises_fisher
    params = {"loc": directions(3, 3), "concentration": torch.tensor([0.5, 3.0, 10.0])}
    priors = (uniform(3),)

    def measure(self, distribution, draws):
        return on_sphere(distribution.event_shape)


def reference(params):
    """Of three dimensions in elementary functions, else with I_ν of mpmath."""
    loc, kappa = normalize(params["loc"], dim=1), params["concentration"].reshape(-1)
    k = loc.shape[1]
    if k == 3:
        # κ / (4π sinh κ), with e^κ taken off
        constant = (kappa / (2 * math.pi)).log() - torch.log1p(-(-2 * kappa).exp())
    else:
        order = k / 2 - 1
        bessel = [mpmath.log(mpmath.besseli(order, x)) - x for x in kappa.tolist()]
        bessel = torch.tensor([float(value) for value in bessel], dtype=torch.float64)
        constant = order * kappa.log() - k / 2 * math.log(2 * math.pi) - bessel

    class Reference:
        def log_prob(self, z):
            apart = (normalize(z, dim=-1) - loc).square().sum(1)
            return constant - kappa * apart / 2

    return Reference()


@pytest.mark.parametrize("kappa", [1e-3, 1.0, 100.0, 1e5, 1e9])
@pytest.mark.parametrize("k", [2, 3, 10, 40])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, k, kappa):
    params = {
        "loc": directions(150, k),
        "concentration": kappa * (0.5 + torch.rand(150, 1)),
    }
    require_aggregate(von_mises_fisher, params, reference)


def test_concentrations_over_many_decades_come_out_right(require_aggregate):
    kappa = 10.0 ** torch.linspace(-3, 8, 300)
    require_aggregate(
        von_mises_fisher, {"loc": directions(300, 5), "concentration": kappa}, reference
    )


def test_thousands_of_dimensions_come_out_right(require_aggregate):
    """Far beyond what I_ν itself can hold: the truth is scipy's density of the cosine."""
    k, n = 4096, 60
    params = {"loc": directions(n, k), "concentration": torch.full((n,), 3000.0)}

    def by_quadrature(p):
        loc = normalize(p["loc"], dim=1)
        # the integral over the sphere: area of S^(k−2) times ∫ e^{κt} (1 − t²)^{(k−3)/2} dt
        t = torch.linspace(-1, 1, 2_000_001, dtype=torch.float64)[1:-1]
        log_f = 3000 * t + (k - 3) / 2 * torch.log1p(-t.square())
        integral = log_f.logsumexp(0) + math.log(1e-6)
        area = math.log(2) + (k - 1) / 2 * math.log(math.pi) - math.lgamma((k - 1) / 2)

        class Reference:
            def log_prob(self, z):
                return 3000 * (loc @ normalize(z, dim=-1)) - integral - area

        return Reference()

    require_aggregate(von_mises_fisher, params, by_quadrature)


@pytest.mark.parametrize("kappa", [0.0, 1e-4, 2.0, 1e4])
def test_rate_under_the_uniform_sphere_is_the_closed_form(evaluated, require_rate, kappa):
    """On the ordinary sphere: κ coth κ − 1 + log(κ / sinh κ)."""
    n = 100
    params = {"loc": directions(n, 3), "concentration": torch.full((n,), kappa)}
    report = evaluated(von_mises_fisher, params, uniform(3))
    if kappa == 0:
        truth = 0.0
    elif kappa < 1e-2:
        truth = kappa**2 / 6
    else:
        log_sinh = kappa + math.log1p(-math.exp(-2 * kappa)) - math.log(2)
        truth = kappa / math.tanh(kappa) - 1 + math.log(kappa) - log_sinh
    require_rate(report, truth, analytic=True)


def test_what_is_not_defined_on_a_sphere_is_left_out(evaluated):
    params = {"loc": directions(80, 4), "concentration": 50 * torch.rand(80)}
    report = evaluated(von_mises_fisher, params, uniform(4))
    absent = report.provenance["absent"]
    assert "no density over all of z" in absent["rate_fitted_prior"]
    assert "does not factorise" in absent["total_correlation"]
    assert report["active_units"].value == 4
    assert report["mutual_information"].value > 0.5
    assert "slope" not in report.estimates


@pytest.mark.parametrize(
    ("loc", "concentration"),
    [
        (torch.eye(3), torch.ones(3, 3)),
        (torch.eye(3)[:, :, None], torch.ones(3)),
        (torch.ones(3, 1), torch.ones(3)),
    ],
)
def test_other_shapes_are_refused(loc, concentration):
    with pytest.raises(ModelError, match="needs loc"):
        von_mises_fisher.distribution({"loc": loc, "concentration": concentration})


def test_a_direction_that_is_not_of_length_one_is_refused(evaluated):
    params = {"loc": 2 * directions(10, 3), "concentration": torch.ones(10)}
    with pytest.raises(ModelError, match="loc that must be a vector of length 1 and is not"):
        evaluated(von_mises_fisher, params, uniform(3))


def test_a_model_may_name_it():
    assert Model(name="sphere", encode=lambda x: {}, posterior="von-mises-fisher", prior=uniform(3))
