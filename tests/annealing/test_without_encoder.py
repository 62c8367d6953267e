import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Dirichlet,
    Independent,
    Normal,
    StudentT,
    Uniform,
    kl_divergence,
)

from genprobe.annealing.without_encoder import fitting_of, moments_of, start_of
from genprobe.encoding.resolve import bind_model, bind_prior
from genprobe.errors import ModelError
from genprobe.priors.from_module import prior_from_module
from genprobe.types import Model

K, D, VARIANCE = 3, 6, 0.3


def linear(seed=0):
    made = torch.Generator().manual_seed(seed)
    weight, bias = torch.randn(D, K, generator=made), torch.randn(D, generator=made)
    x = torch.randn(5, K, generator=made) @ weight.T + bias
    return weight, bias, x + VARIANCE**0.5 * torch.randn(5, D, generator=made)


def model_of(decode, **parts):
    parts = {"prior": "standard-normal", "latent_shape": (K,), "likelihood": "normal", **parts}
    return Model(name="half", encode=None, decode=decode, **parts)


def calls_of(model, batch_size=64):
    cpu = torch.device("cpu")
    return bind_model(model, device=cpu, dtype=torch.float32, batch_size=batch_size)


def test_the_fit_is_the_best_diagonal_normal():
    weight, bias, x = linear()
    scale = torch.tensor(VARIANCE**0.5)
    calls = calls_of(model_of(lambda z: {"loc": z @ weight.T + bias, "scale": scale}))
    precision = torch.eye(K) + weight.T @ weight / VARIANCE
    found = fitting_of(start_of(calls, seed=0)).fit(calls, x)
    mean = torch.linalg.solve(precision, weight.T @ (x - bias).T / VARIANCE).T
    best = Independent(Normal(mean, precision.diagonal().rsqrt().expand(5, K)), 1)
    divergence = kl_divergence(Independent(Normal(**found), 1), best)
    assert (divergence < 0.03).all(), divergence


def test_the_fit_does_not_depend_on_batches(monkeypatch):
    monkeypatch.setattr("genprobe.annealing.without_encoder.FIRST", 10)
    monkeypatch.setattr("genprobe.annealing.without_encoder.STEPS", 10)
    weight, bias, x = linear()
    model = model_of(lambda z: {"loc": z @ weight.T + bias, "scale": torch.ones(())})
    start = start_of(calls_of(model), seed=0)
    found, again = (fitting_of(start).fit(calls_of(model, size), x) for size in (64, 7))
    torch.testing.assert_close(again, found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "prior",
    [
        Independent(Uniform(-torch.ones(K), torch.ones(K)), 1),
        Independent(Bernoulli(torch.full((K,), 0.5)), 1),
        Dirichlet(torch.full((K,), 1e4)),
        prior_from_module(lambda: Independent(Uniform(-torch.ones(K), torch.ones(K)), 1)),
    ],
    ids=["uniform", "discrete", "simplex", "unknown"],
)
def test_a_prior_that_ends_is_refused_with_the_map_that_does_not(prior):
    model = model_of(lambda z: {"loc": z, "scale": torch.ones(())}, prior=prior)
    with pytest.raises(ModelError, match=r"does not reach over all real.*\n.*ndtr"):
        start_of(calls_of(model), seed=0)


@pytest.mark.filterwarnings("ignore:Converting a tensor")
def test_a_decoder_without_a_gradient_is_refused_with_what_to_do():
    weight, _, x = linear()
    model = model_of(lambda z: {"loc": z.detach() @ weight.T, "scale": torch.ones(())})
    calls = calls_of(model)
    with pytest.raises(ModelError, match=r"half has no encoder, and the decoder.*no gradient.*\n"):
        fitting_of(start_of(calls, seed=0)).fit(calls, x)


def test_moments_that_a_prior_does_not_have_come_from_samples():
    heavy = Independent(StudentT(torch.full((K,), 1.5), torch.full((K,), 2.0)), 1)
    prior = bind_prior(heavy, torch.Size([K]), {})
    mean, scale = moments_of(prior, seed=0)
    assert ((mean - 2.0).abs() < 1).all()
    assert scale.isfinite().all()
    assert (scale > 0).all()
    known = bind_prior(Normal(torch.full((K,), 2.0), torch.full((K,), 3.0)), torch.Size([K]), {})
    assert moments_of(known, seed=0)[1].tolist() == [3.0] * K


def test_a_mode_far_from_the_mean_of_the_prior_is_found():
    x = torch.tensor([[3.0], [-3.0]])
    model = model_of(
        lambda z: {"loc": 3 * (30 * (z - 2)).tanh(), "scale": torch.tensor(0.1)}, latent_shape=(1,)
    )
    calls = calls_of(model)
    found = fitting_of(start_of(calls, seed=0)).fit(calls, x)["loc"]
    assert found[0] > 2 > found[1]
