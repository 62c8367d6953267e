import math

import pytest
import torch
from torch.distributions import Normal

from genprobe.annealing.ais import anneal, tune
from genprobe.annealing.jackknife import log_mean_weight
from genprobe.annealing.of_model import require_same_support, target_of
from genprobe.encoding.calls import Calls
from genprobe.errors import ModelError, UnavailableError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.gamma import gamma
from genprobe.families.logistic_normal import logistic_normal
from genprobe.likelihoods.normal import normal
from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma
from genprobe.priors.gamma import gamma as gamma_prior
from genprobe.priors.standard_normal import build
from genprobe.types import Model, Prior

X = torch.tensor([[0.5], [-1.0]])
ROWS = torch.tensor([0, 1])
NORMAL = build(torch.Size([1]), {})


def calls_of(decode, likelihood=normal, batch_size=64):
    model = Model(
        name="m",
        encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood=likelihood.name if decode else None,
    )
    return Calls(
        model=model,
        posterior=diagonal_normal,
        likelihood=likelihood if decode else None,
        device=torch.device("cpu"),
        dtype=torch.float32,
        batch_size=batch_size,
    )


def linear(z):
    return {"loc": 2 * z, "scale": torch.tensor(0.5)}


@pytest.mark.parametrize("batch_size", [1, 64])
def test_values_and_gradients_are_those_of_the_formula(batch_size):
    z = torch.tensor([[0.3], [-0.2]], dtype=torch.float64)
    found = target_of(calls_of(linear, batch_size=batch_size), NORMAL, X, beta=3.0).at(z, ROWS)
    log_px_z = Normal(2 * z[:, 0], 0.5).log_prob(X[:, 0])
    torch.testing.assert_close(found.log_px_z, log_px_z, rtol=0, atol=1e-6)
    expected = 3 * log_px_z + Normal(0.0, 1.0).log_prob(z[:, 0])
    torch.testing.assert_close(found.log_density, expected, rtol=0, atol=1e-5)
    pull = 3 * 2 * (X - 2 * z) / 0.25 - z
    torch.testing.assert_close(found.gradient, pull, rtol=1e-5, atol=1e-5)
    assert found.gradient.dtype == found.log_density.dtype == torch.float64


def test_rows_say_which_example_and_which_context_a_code_is_of():
    shifted = calls_of(lambda z, shift: {"loc": z + shift, "scale": torch.tensor(1.0)})
    calls = shifted.given({"shift": torch.tensor([[10.0], [20.0]])})
    found = target_of(calls, NORMAL, X).at(torch.zeros(3, 1).double(), torch.tensor([1, 0, 1]))
    expected = Normal(0.0, 1.0).log_prob(torch.tensor([-21.0, -9.5, -21.0]).double())
    torch.testing.assert_close(found.log_px_z, expected, rtol=0, atol=1e-4)


def test_a_scale_fitted_to_all_the_data_and_bins_enter_the_values():
    calls = calls_of(lambda z: {"loc": z}, normal_optimal_sigma)
    scale = normal_optimal_sigma.fit_scale(1.2, 1)
    z = torch.zeros(2, 1).double()
    found = target_of(calls, NORMAL, X, scale=scale, log_bin=math.log(0.1)).at(z, ROWS)
    expected = Normal(0.0, scale.scale).log_prob(X[:, 0].double()) + math.log(0.1)
    torch.testing.assert_close(found.log_px_z, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.gradient, (X - z) / scale.scale**2, rtol=1e-5, atol=1e-5)


def test_where_the_decoder_fails_the_density_is_0_and_elsewhere_what_it_is():
    def decode(z):
        # Its scale is 0 or below from 3 on, which the likelihood refuses for the whole batch.
        return {"loc": 2 * z, "scale": torch.where(z > 3, 3 - z, 0.5)}

    z = torch.tensor([[0.3], [5.0], [-0.2], [3.5], [0.0]]).double()
    rows = torch.tensor([0, 0, 1, 1, 1])
    found = target_of(calls_of(decode), NORMAL, X).at(z, rows)
    assert found.log_px_z.isfinite().tolist() == [True, False, True, False, True]
    fine = target_of(calls_of(linear), NORMAL, X).at(z, rows)
    assert torch.equal(found.log_px_z[[0, 2, 4]], fine.log_px_z[[0, 2, 4]])
    assert torch.equal(found.gradient[[0, 2, 4]], fine.gradient[[0, 2, 4]])


def test_a_decoder_that_fails_everywhere_says_why():
    target = target_of(calls_of(lambda z: {"loc": z, "scale": -z.abs() - 1}), NORMAL, X)
    with pytest.raises(ModelError, match="must be > 0"):
        target.at(torch.zeros(2, 1).double(), ROWS)


def test_without_a_decoder_or_its_gradient_there_is_nothing_to_anneal():
    with pytest.raises(UnavailableError, match="no decoder"):
        target_of(calls_of(None), NORMAL, X)
    target = target_of(calls_of(torch.no_grad()(linear)), NORMAL, X)
    with pytest.raises(UnavailableError, match="no gradient with respect to z"):
        target.at(torch.zeros(2, 1).double(), ROWS)


def test_a_prior_beyond_where_the_posterior_can_be_is_refused_with_the_reason():
    params = {name: torch.ones(2, 1) for name in gamma.constraints}
    with pytest.raises(UnavailableError, match="standard-normal goes beyond"):
        require_same_support(gamma, params, NORMAL)
    ones = torch.ones(1).double()
    own = gamma_prior.build(torch.Size([1]), {"concentration": ones, "rate": ones})
    require_same_support(gamma, params, own)
    require_same_support(diagonal_normal, {"loc": X, "scale": torch.ones(2, 1)}, NORMAL)
    on_simplex = Prior(
        name="simplex", log_prob=lambda z: z.sum(-1), sample=lambda n: torch.ones(n, 2) / 2, kl=None
    )
    one = {"loc": X, "scale": torch.ones(2, 1)}
    require_same_support(logistic_normal, one, on_simplex)


def test_a_model_whose_chains_meet_its_edge_still_has_its_bound():
    def decode(z):
        return {"loc": 2 * z, "scale": torch.where(z > 1, 1 - z, 0.5)}

    target = target_of(calls_of(decode), NORMAL, X)
    params = {"loc": torch.tensor([[0.2], [-0.5]]), "scale": torch.full((2, 1), 0.25)}
    steps = tune(target, diagonal_normal, params, temperatures=16, seed=0)
    found = anneal(target, diagonal_normal, params, steps, temperatures=16, chains=64, seed=1)
    # p(x) of x ~ N(2z, ½), z ~ N(0, 1), of which z > 1 holds less than 1 %.
    exact = Normal(0.0, math.sqrt(4.25)).log_prob(X[:, 0])
    assert ((log_mean_weight(found.log_weight) - exact).abs() < 0.05).all()
