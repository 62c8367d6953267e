import dataclasses
import math

import pytest
import torch
from torch.distributions import Gamma, Poisson, constraints

from genprobe.annealing.posterior_fit import fit_posterior, score_posterior
from genprobe.errors import UnavailableError
from genprobe.families.full_normal import full_normal
from genprobe.families.gamma import gamma
from genprobe.families.low_rank_normal import low_rank_normal
from genprobe.families.poisson import poisson


@pytest.mark.parametrize(("k", "d", "width"), [(50, 20, 5.0)])
def test_from_a_wrong_encoder_the_best_posterior_is_found_to_a_hundredth_of_a_nat(
    known, k, d, width
):
    model = known.linear_gaussian(k, d, examples=2)
    start = {"loc": model.mean / 2, "scale": width * model.best["scale"]}
    found = fit_posterior(model.target, known.family, start, seed=0)
    assert known.loss_against_best(model, start).mean() > 5
    assert known.loss_against_best(model, found).mean() < 0.01


@pytest.mark.parametrize("family", [full_normal, low_rank_normal], ids=lambda f: f.name)
def test_a_family_that_holds_the_posterior_reaches_it(known, family):
    model = known.linear_gaussian(3, 8, examples=2)
    deviation = model.wrong["scale"]
    start = {
        "loc": model.mean / 2,
        "scale_tril": deviation.diag_embed(),
        "cov_diag": deviation.square() / 2,
        "cov_factor": deviation[:, :, None].repeat(1, 1, 3) * torch.eye(3).double() / 2,
    }
    start = {name: start[name] for name in family.constraints}
    found = fit_posterior(model.target, family, start, steps=300, seed=0)
    scores = score_posterior(model.target, family, found, draws=64, seed=1)
    torch.testing.assert_close(scores.mean(0), model.log_px, rtol=0, atol=0.02)


def test_a_posterior_that_is_above_0_stays_there_and_is_found(known):
    counts = torch.tensor([0.0, 3.0, 8.0], dtype=torch.float64)
    target = known.target_from(
        lambda z, rows: Poisson(z[:, 0]).log_prob(counts[rows]),
        lambda z: Gamma(2.0, 1.0).log_prob(z[:, 0]),
    )
    ones = torch.ones(3, 1)
    found = fit_posterior(target, gamma, {"concentration": ones, "rate": ones}, steps=300, seed=0)
    scores = score_posterior(target, gamma, found, draws=64, seed=1)
    # Counts of a gamma-distributed rate: negative binomial with r = 2 and p = ½.
    exact = (counts + 1).log() - (counts + 2) * math.log(2)
    torch.testing.assert_close(scores.mean(0), exact, rtol=0, atol=0.02)


def test_what_is_best_already_is_not_made_worse(known):
    model = known.linear_gaussian(10, 20)
    for steps in (1, 10, 100):
        found = fit_posterior(model.target, known.family, model.best, steps=steps, seed=0)
        assert known.loss_against_best(model, found).max() < 0.02


def test_no_steps_give_the_start_and_more_steps_bring_more(known):
    model = known.linear_gaussian(10, 20)
    losses = [
        float(
            known.loss_against_best(
                model, fit_posterior(model.target, known.family, model.wrong, steps=k, seed=0)
            ).mean()
        )
        for k in (0, 10, 100)
    ]
    assert losses[0] == float(known.loss_against_best(model, model.wrong).mean())
    assert losses[0] > 4 * losses[1] > 40 * losses[2]


def test_the_same_seed_gives_the_same_and_leaves_the_global_generator_alone(known):
    model = known.linear_gaussian(2, 5)
    before = torch.get_rng_state()
    first, again, other = (
        fit_posterior(model.target, known.family, model.wrong, steps=5, seed=seed)
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first["loc"], again["loc"])
    assert not torch.equal(first["loc"], other["loc"])


def test_no_example_depends_on_what_another_is(known):
    one, other = (known.linear_gaussian(2, 5, seed=seed) for seed in (0, 1))
    start = {k: torch.cat([v[:2], other.wrong[k][2:]]) for k, v in one.wrong.items()}
    alone = fit_posterior(one.target, known.family, one.wrong, steps=20, seed=0)
    mixed = fit_posterior(one.target, known.family, start, steps=20, seed=0)
    torch.testing.assert_close(mixed["loc"][:2], alone["loc"][:2])
    assert not torch.allclose(mixed["loc"][2:], alone["loc"][2:])


def test_common_noise_takes_the_error_off_a_difference(known):
    model = known.linear_gaussian(10, 20)
    wide = {**model.best, "scale": 1.05 * model.best["scale"]}
    of_best, of_wide, others = (
        score_posterior(model.target, known.family, params, draws=32, seed=seed)
        for params, seed in ((model.best, 1), (wide, 1), (wide, 2))
    )
    assert (of_best - of_wide).std() < (of_best - others).std() / 3


def test_a_score_is_the_exact_bound_in_the_mean(known):
    model = known.linear_gaussian(10, 20)
    scores = score_posterior(model.target, known.family, model.wrong, draws=4000, seed=0)
    loss = known.loss_against_best(model, model.wrong)
    exact = model.log_px - model.approximation_gap - loss
    assert ((scores.mean(0) - exact).abs() < 4 * scores.std(0) / math.sqrt(4000)).all()


def test_a_parameter_that_torch_cannot_vary_is_refused_with_its_name(known):
    model = known.linear_gaussian(2, 5)
    odd = dataclasses.replace(
        known.family, constraints={"loc": constraints.real, "scale": constraints.dependent}
    )
    with pytest.raises(UnavailableError, match="scale of the family diagonal-normal"):
        fit_posterior(model.target, odd, model.best, seed=0)


def test_discrete_posteriors_are_refused(known):
    model = known.linear_gaussian(2, 5)
    with pytest.raises(UnavailableError, match="discrete"):
        fit_posterior(model.target, poisson, {"rate": torch.ones(4, 2)}, seed=0)


def test_draws_where_the_density_is_0_or_no_number_do_not_spoil_the_fit(known):
    def log_px_z(z, rows):
        return torch.where(z[:, 0] > 3, torch.nan, -(z[:, 0] - 1).square() * 50)

    target = known.target_from(log_px_z, lambda z: -z.square().sum(1) / 2)
    start = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
    found = fit_posterior(target, known.family, start, steps=300, seed=0)
    assert abs(float(found["loc"]) - 100 / 101) < 0.05
    assert abs(float(found["scale"]) * 101**0.5 - 1) < 0.1
