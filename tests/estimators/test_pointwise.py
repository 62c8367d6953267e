import dataclasses
import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

import genprobe
from genprobe.errors import DataError, UnavailableError
from genprobe.estimators.pointwise import (
    distortions,
    fit_scale,
    fixed_scale,
    log_bin,
    rates_under,
)
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma
from genprobe.priors.standard_normal import standard_normal

N, K = 70, 2
LAPLACE = {"loc": torch.zeros(K), "scale": torch.ones(K)}
X = torch.randn(N, K, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def store(tmp_path):
    def make(draws=2, **parts):
        path = tmp_path / "s.h5"
        model = genprobe.Model(
            name="m",
            encode=lambda x: {"loc": x / 2, "scale": torch.full_like(x, 0.5)},
            posterior="diagonal-normal",
            prior=genprobe.NamedPrior(name="laplace", params=LAPLACE),
            **parts,
        )
        genprobe.evaluate(model, X, store=path, draws=draws, dtype="float64", estimators={})
        return genprobe.open_store(path)

    return make


def decoded(store, scale):
    """−log N(x; z, scale²) at the stored draws, summed over values."""
    z = torch.stack([store.gather("draws/z", d, torch.arange(N)) for d in range(2)]).double()
    return -Normal(z, scale).log_prob(X.double()).sum(-1)


NORMAL = {"decode": lambda z: {"loc": z, "scale": torch.tensor(0.7)}, "likelihood": "normal"}
FITTED = {"decode": lambda z: {"loc": z}, "likelihood": "normal-optimal-sigma"}


def test_the_distortion_is_minus_the_log_density_at_each_draw(store):
    made = store(**NORMAL)
    assert torch.allclose(distortions(made, None, None), decoded(made, 0.7), atol=1e-5)


def test_bins_take_their_width_off_every_value(store):
    made = store(**NORMAL)
    taken = distortions(made, None, None) - distortions(made, None, 0.1)
    assert torch.allclose(taken, torch.full_like(taken, K * math.log(0.1)))


def test_the_fitted_scale_is_the_root_of_the_mean_square(store):
    made = store(**FITTED)
    scale = fit_scale(made, normal_optimal_sigma)
    z = torch.stack([made.gather("draws/z", d, torch.arange(N)) for d in range(2)]).double()
    best = (X.double() - z).square().mean().sqrt()
    assert torch.allclose(distortions(made, scale, None), decoded(made, best), atol=1e-5)


def test_a_scale_that_no_plugin_can_fit_is_told(store):
    made = store(**FITTED)
    with pytest.raises(UnavailableError, match="no plugin says how normal-optimal-sigma fits"):
        fit_scale(made, None)


def test_without_a_decoder_there_is_none(store):
    with pytest.raises(UnavailableError, match="no decoder"):
        distortions(store(), None, None)


def test_the_rate_under_a_prior_with_a_closed_form_is_that_form(store):
    made = store()
    prior = standard_normal.build(torch.Size([K]), {})
    truth = kl_divergence(Normal(X.double() / 2, 0.5), Normal(0.0, torch.ones(K).double()))
    assert torch.allclose(rates_under(made, diagonal_normal, prior), truth.sum(1)[None])


def test_bins_of_data_of_unknown_size_are_refused(store):
    header = dataclasses.replace(store(**NORMAL).header, event_shape=(0,))
    with pytest.raises(DataError, match="number of values"):
        log_bin(header, 0.1)
    assert log_bin(dataclasses.replace(header, discrete=True), 0.1) == 0.0


def test_a_constant_scale_is_known_with_its_blind_distortion(store):
    made = store(**NORMAL)
    found = fixed_scale(made, normal, None)
    x = X.double()
    blind = float(-Normal(x.mean(0), 0.7).log_prob(x).sum(1).mean())
    error = torch.stack([made.gather("draws/z", d, torch.arange(N)) for d in range(2)]) - X
    assert found.scale == pytest.approx(0.7)
    assert found.blind == pytest.approx(blind, rel=1e-6)
    assert found.best == pytest.approx(float(error.double().square().mean().sqrt()), rel=1e-5)
    assert fixed_scale(made, normal, 0.1).blind == pytest.approx(blind - K * math.log(0.1))


def test_a_scale_of_every_value_is_none(store):
    made = store(
        decode=lambda z: {"loc": z, "scale": torch.tensor([0.7, 0.8])}, likelihood="normal"
    )
    assert fixed_scale(made, normal, None) is None


def test_a_scale_that_is_not_known_everywhere_is_none(store, edit_store):
    def lose(file):
        file["subset/decoder_scale"][:, 3] = math.nan

    assert fixed_scale(edit_store(store(**NORMAL).path, lose), normal, None) is None
