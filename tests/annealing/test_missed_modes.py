import math

import torch
from torch.distributions import Normal

from genprobe.annealing.ais import anneal, anneal_from_prior, reverse_anneal, tune
from genprobe.annealing.jackknife import effective_sample_size, jackknife, log_mean_weight
from genprobe.annealing.missed_modes import missed_modes


def two_modes(known, examples=8):
    """x ~ N([a², b], ¼²) near [4, 0]: a is about 2 or −2, and an encoder knows the first alone."""
    noise = torch.Generator().manual_seed(0)
    z = torch.randn(examples, 2, generator=noise, dtype=torch.float64) / 4
    z[:, 0] = 2 + z[:, 0] / 2
    image = torch.stack([z[:, 0].square(), z[:, 1]], 1)
    x = image + torch.randn(examples, 2, generator=noise, dtype=torch.float64) / 4

    def log_px_z(code, rows):
        mean = torch.stack([code[:, 0].square(), code[:, 1]], 1)
        return Normal(mean, 0.25).log_prob(x[rows]).sum(1)

    target = known.target_from(
        log_px_z,
        lambda code: Normal(0.0, 1.0).log_prob(code).sum(1),
        sample=lambda n: torch.randn(n, 2, dtype=torch.float64),
    )
    axis = torch.linspace(-5, 5, 4001, dtype=torch.float64)
    step = math.log(float(axis[1] - axis[0]))
    first = Normal(0.0, 1.0).log_prob(axis) + Normal(axis.square(), 0.25).log_prob(x[:, :1])
    second = Normal(0.0, 1.0).log_prob(axis) + Normal(axis, 0.25).log_prob(x[:, 1:])
    exact = torch.logsumexp(first, 1) + torch.logsumexp(second, 1) + 2 * step
    root, shrunk = x[:, 0].sqrt(), x[:, 1] / (1 + 1 / 16)
    params = {
        "loc": torch.stack([root, shrunk], 1),
        "scale": torch.stack([1 / (8 * root), torch.full_like(root, 0.2425)], 1),
    }
    return target, params, exact, z


def run(known, target, params, **settings):
    steps = tune(target, known.family, params, temperatures=16, seed=0)
    return anneal(
        target, known.family, params, steps, temperatures=64, seed=1, **settings
    ).log_weight


def test_a_mode_that_the_encoder_does_not_know_is_missed_and_seen_to_be(known):
    target, params, exact, _ = two_modes(known)
    log_weight = run(known, target, params, chains=16)
    low = exact - log_mean_weight(log_weight)
    # Nothing in the chains themselves shows that half of p(x) is missing.
    torch.testing.assert_close(low, torch.full_like(low, math.log(2)), rtol=0, atol=0.1)
    assert effective_sample_size(log_weight).min() > 0.9
    others = anneal_from_prior(
        target, known.family, params, temperatures=100, chains=32, seed=2
    ).log_weight
    found = missed_modes(log_weight, others)
    assert found.missed
    assert abs(found.difference - math.log(2)) < 4 * found.error + 0.05
    assert found.error < 0.15


def test_chains_from_the_prior_among_the_others_then_find_it(known):
    target, params, exact, _ = two_modes(known)
    log_weight = run(known, target, params, chains=256, prior_share=0.5)
    bounds, variances = jackknife(log_mean_weight, log_weight)
    error = math.sqrt(float(variances.sum())) / len(exact)
    assert abs(float((bounds - exact).mean())) < 4 * error + 0.01
    assert error < 0.1


def test_a_reverse_chain_from_a_draw_of_the_model_shows_it_too(known):
    target, params, _, z = two_modes(known)
    flipped = z * torch.tensor([[1.0, 1.0], [-1.0, 1.0]]).repeat(4, 1)
    steps = tune(target, known.family, params, temperatures=16, seed=0)
    settings = {"temperatures": 64, "chains": 4, "seed": 1}
    high = -log_mean_weight(
        -reverse_anneal(target, known.family, params, steps, flipped, **settings)
    )
    low = log_mean_weight(run(known, target, params, chains=16))
    assert (high - low)[1::2].min() > math.log(2)


def test_one_mode_is_not_said_to_be_missed(known):
    model = known.linear_gaussian(10, 20, examples=8)
    log_weight = run(known, model.target, model.best, chains=16)
    others = anneal_from_prior(
        model.target, known.family, model.best, temperatures=64, chains=16, seed=0
    ).log_weight
    assert not missed_modes(log_weight, others).missed


def test_a_small_mode_of_every_example_is_seen_in_their_mean():
    noise = torch.randn(2, 16, 400, generator=torch.Generator().manual_seed(0)).double() / 10
    found = missed_modes(noise[0], noise[1] + 0.03)
    assert found.missed
    assert found.examples == 0
    assert not missed_modes(noise[0], noise[1]).missed
