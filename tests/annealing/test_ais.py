import math

import pytest
import torch
from torch.distributions import (
    Beta,
    Dirichlet,
    Gamma,
    MultivariateNormal,
    Normal,
    Poisson,
)

from genprobe.annealing.ais import anneal, anneal_from_prior, reverse_anneal, tune
from genprobe.annealing.jackknife import jackknife, log_mean_weight
from genprobe.annealing.posterior_fit import fit_posterior
from genprobe.annealing.target import Target
from genprobe.errors import UnavailableError
from genprobe.families.beta import beta
from genprobe.families.categorical import categorical
from genprobe.families.full_normal import full_normal
from genprobe.families.gamma import gamma
from genprobe.families.laplace import laplace
from genprobe.families.logistic_normal import logistic_normal
from genprobe.families.low_rank_normal import low_rank_normal
from genprobe.runtime.seeds import seeded


def run(target, family, params, temperatures, chains=16, seed=0):
    steps = tune(target, family, params, temperatures=16, chains=chains, seed=seed)
    return anneal(
        target, family, params, steps, temperatures=temperatures, chains=chains, seed=seed + 1
    )


def test_the_bound_is_log_px_within_its_error_and_a_twentieth_of_a_nat(known):
    model = known.linear_gaussian(50, 100)
    found = run(model.target, known.family, model.best, 128, chains=32)
    bounds, variances = jackknife(log_mean_weight, found.log_weight)
    error = math.sqrt(float(variances.sum())) / 4
    bias = float(variances.mean()) / 2
    assert abs(float((bounds - model.log_px).mean()) + bias) < 4 * error + 0.01
    assert error < 0.08
    assert (found.acceptance - 0.75).abs().max() < 0.15


def test_from_a_wrong_start_it_is_a_bound_all_the_same(known):
    model = known.linear_gaussian(2, 20)
    found = run(model.target, known.family, model.wrong, 100, chains=64)
    bounds, variances = jackknife(log_mean_weight, found.log_weight)
    assert ((bounds - model.log_px).abs() < 4 * variances.sqrt() + 0.02).all()


def test_weights_are_unbiased(known):
    model = known.linear_gaussian(2, 5)
    found = run(model.target, known.family, model.wrong, 16, chains=4000)
    shares = (found.log_weight - model.log_px).exp()
    assert ((shares.mean(0) - 1).abs() < 4 * shares.std(0) / math.sqrt(4000)).all()


@pytest.mark.parametrize(
    ("family", "start"),
    [
        (full_normal, {"loc": [0.0, 0.0], "scale_tril": [[1.0, 0.0], [0.5, 1.0]]}),
        (
            low_rank_normal,
            {"loc": [0.0, 0.0], "cov_factor": [[0.5], [0.5]], "cov_diag": [1.0, 1.0]},
        ),
        (laplace, {"loc": [0.0, 0.0], "scale": [1.0, 1.0]}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_family_over_all_of_z_finds_log_px(known, family, start):
    model = known.linear_gaussian(2, 5)
    params = {name: torch.tensor(v).expand(4, *torch.tensor(v).shape) for name, v in start.items()}
    params = fit_posterior(model.target, family, params, steps=100, seed=0)
    found = run(model.target, family, params, 64)
    bounds, variances = jackknife(log_mean_weight, found.log_weight)
    assert ((bounds - model.log_px).abs() < 4 * variances.sqrt() + 0.01).all()


def conjugate(known, name):
    """Families on a part of R^k: with their conjugate priors p(x) has a closed form."""
    if name == "gamma":
        target = known.target_from(
            lambda z, rows: Poisson(z[:, 0]).log_prob(torch.tensor(3.0)),
            lambda z: Gamma(2.0, 1.0).log_prob(z[:, 0]),
        )
        ones = torch.ones(1, 1)
        return target, gamma, {"concentration": ones, "rate": ones}, math.log(4 / 32)
    if name == "beta":
        target = known.target_from(
            lambda z, rows: 3 * z[:, 0].log() + torch.log1p(-z[:, 0]),
            lambda z: Beta(1.5, 2.0).log_prob(z[:, 0]),
        )
        ones = torch.ones(1, 1)
        exact = log_beta(4.5, 3.0) - log_beta(1.5, 2.0)
        return target, beta, {"concentration1": ones, "concentration0": ones}, exact
    prior = Dirichlet(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    counts = torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)
    target = known.target_from(lambda z, rows: (counts * z.log()).sum(1), prior.log_prob)
    both = prior.concentration + counts
    exact = float(
        both.lgamma().sum()
        - both.sum().lgamma()
        - prior.concentration.lgamma().sum()
        + prior.concentration.sum().lgamma()
    )
    zeros = torch.zeros(1, 2)
    return target, logistic_normal, {"loc": zeros, "scale": zeros + 1}, exact


def log_beta(a, b):
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@pytest.mark.parametrize("name", ["gamma", "beta", "logistic-normal"])
def test_every_family_on_a_part_of_it_finds_log_px(known, name):
    target, family, params, exact = conjugate(known, name)
    params = fit_posterior(target, family, params, steps=100, seed=0)
    found = run(target, family, params, 32, chains=64)
    bounds, variances = jackknife(log_mean_weight, found.log_weight)
    assert abs(float(bounds) - exact) < 4 * float(variances.sqrt()) + 0.005
    assert float(variances.sqrt()) < 0.02


def test_a_curved_posterior_agrees_with_quadrature_to_a_hundredth_of_a_nat(known):
    x = torch.tensor([[1.0, 0.3, -0.5], [-0.6, 1.0, 0.8]], dtype=torch.float64)

    def log_px_z(z, rows):
        a, b = z.unbind(1)
        image = torch.stack([a + b.square() / 3, b - a.square() / 2, torch.tanh(a * b)], 1)
        return Normal(image, 0.4).log_prob(x[rows]).sum(1)

    def log_pz(z):
        return Normal(0.0, 1.0).log_prob(z).sum(1)

    axis = torch.linspace(-6, 6, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    cell = 2 * math.log(float(axis[1] - axis[0]))
    on_grid = [log_px_z(grid, torch.tensor([i])) + log_pz(grid) for i in (0, 1)]
    exact = torch.stack([torch.logsumexp(values, 0) + cell for values in on_grid])
    target = known.target_from(log_px_z, log_pz)
    zeros = torch.zeros(2, 2)
    start = {"loc": zeros, "scale": zeros + 1}
    params = fit_posterior(target, known.family, start, steps=100, seed=0)
    found = run(target, known.family, params, 128, chains=256)
    bounds, variances = jackknife(log_mean_weight, found.log_weight)
    assert ((bounds - exact).abs() < 4 * variances.sqrt() + 0.001).all()
    assert variances.sqrt().max() < 0.02
    assert abs(float((bounds - exact).mean())) < 0.01


def test_forward_and_reverse_chains_make_a_sandwich_on_data_of_the_model(known):
    model = known.linear_gaussian(10, 20, examples=20)
    steps = tune(model.target, known.family, model.best, seed=0)
    settings = {"temperatures": 100, "chains": 16, "seed": 1}
    forward = anneal(model.target, known.family, model.best, steps, **settings)
    reverse = reverse_anneal(model.target, known.family, model.best, steps, model.z, **settings)
    low, low_variance = jackknife(log_mean_weight, forward.log_weight)
    high, high_variance = jackknife(lambda w: -log_mean_weight(-w), reverse)
    exact = model.log_px.mean()
    # Chains that share their exact draw err together: the spread over examples holds that too.
    high_error = float((high - model.log_px).std()) / math.sqrt(20)
    low_error = math.sqrt(float(low_variance.sum())) / 20
    assert low.mean() < exact + 3 * low_error
    assert high.mean() > exact - 3 * high_error
    assert abs(low.mean() - exact) < 0.05
    assert abs(high.mean() - exact) < 0.05
    assert high_variance.isfinite().all()


def test_reverse_weights_are_unbiased_too(known):
    model = known.linear_gaussian(1, 3, examples=1)
    draws = MultivariateNormal(model.mean[0], precision_matrix=model.precision)
    with seeded(0):
        z = draws.sample((2000,))
    first = torch.zeros(2000, dtype=torch.long)
    target = Target(
        log_px_z=lambda code, rows: model.target.log_px_z(code, first[rows]),
        log_pz=model.target.log_pz,
    )
    params = {name: values.expand(2000, 1) for name, values in model.wrong.items()}
    steps = tune(target, known.family, params, chains=1, seed=0)
    settings = {"temperatures": 16, "chains": 1, "seed": 1}
    found = reverse_anneal(target, known.family, params, steps, z, **settings)
    shares = (model.log_px - found[0]).exp()
    assert abs(shares.mean() - 1) < 4 * shares.std() / math.sqrt(2000)


def test_chains_from_the_prior_find_log_px_too(known):
    model = known.linear_gaussian(2, 5)
    found = anneal_from_prior(
        model.target, known.family, model.best, temperatures=100, chains=64, seed=0
    )
    bounds, variances = jackknife(log_mean_weight, found.log_weight)
    assert ((bounds - model.log_px).abs() < 4 * variances.sqrt() + 0.02).all()


def test_the_ends_of_chains_are_draws_of_the_posterior(known):
    model = known.linear_gaussian(2, 5)
    found = run(model.target, known.family, model.best, 32, chains=1000)
    mean = (found.log_weight.softmax(0)[..., None] * found.z).sum(0)
    torch.testing.assert_close(mean, model.mean, rtol=0, atol=0.12)
    rows = torch.arange(4).repeat(1000)
    expected = -model.target.log_px_z(found.z.flatten(0, 1), rows)[0].view(1000, 4)
    torch.testing.assert_close(found.distortion, expected)


def test_step_sizes_of_a_later_run_come_closer_to_the_acceptance_wanted(known):
    model = known.linear_gaussian(10, 20)
    steps = torch.full((16, 4), 2.0, dtype=torch.float64)
    apart = []
    for seed in range(6):
        found = anneal(
            model.target, known.family, model.best, steps, temperatures=32, chains=16, seed=seed
        )
        apart.append(float((found.acceptance - 0.75).abs().max()))
        steps = found.steps
    assert apart[0] > 0.5
    assert apart[-1] < 0.12


def test_evaluations_are_counted_as_they_are_made(known):
    model = known.linear_gaussian(2, 5)
    asked = []

    def counted(z, rows):
        asked.append(len(z))
        return model.target.log_px_z(z, rows)

    target = Target(log_px_z=counted, log_pz=model.target.log_pz)
    steps = tune(target, known.family, model.best, seed=0)
    asked.clear()
    found = anneal(target, known.family, model.best, steps, temperatures=20, chains=3, seed=1)
    assert found.evaluations == sum(asked)


def test_the_same_seed_gives_the_same_whatever_was_drawn_elsewhere(known):
    model = known.linear_gaussian(2, 5)
    first = run(model.target, known.family, model.best, 8)
    torch.rand(3)
    before = torch.get_rng_state()
    again, other = (run(model.target, known.family, model.best, 8, seed=s) for s in (0, 5))
    assert torch.equal(first.log_weight, again.log_weight)
    assert not torch.equal(first.log_weight, other.log_weight)
    assert torch.equal(torch.get_rng_state(), before)


def test_discrete_posteriors_are_refused(known):
    model = known.linear_gaussian(2, 5)
    with pytest.raises(UnavailableError, match="discrete"):
        tune(model.target, categorical, {"logits": torch.zeros(4, 2, 3)}, seed=0)
