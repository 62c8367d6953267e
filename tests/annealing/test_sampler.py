import math

import torch
from torch.distributions import Gamma, Poisson

from genprobe.annealing.sampler import move
from genprobe.annealing.starts import from_posterior
from genprobe.families.full_normal import full_normal
from genprobe.families.gamma import gamma


def chains_after(start, moves, b, step):
    noise = torch.Generator().manual_seed(0)
    state, total = start.path.at(start.u), 0.0
    for _ in range(moves):
        steps = torch.full(state.u.shape[1:2], step, dtype=torch.float64)
        state, accepted = move(start.path, state, b, steps, 2, noise)
        total += float(accepted.mean()) / moves
    return state, total


def test_moves_go_from_any_start_to_the_posterior_and_stay(known):
    model = known.linear_gaussian(2, 5)
    wide = {"loc": model.mean / 2, "scale": 2 * model.best["scale"]}
    start = from_posterior(model.target, known.family, wide, 1000, 0)
    state, accepted = chains_after(start, 60, 1.0, 0.3)
    assert 0.3 < accepted < 1
    torch.testing.assert_close(state.z.mean(0), model.mean, rtol=0, atol=0.12)
    covariance = torch.linalg.inv(model.precision)
    for example in range(4):
        torch.testing.assert_close(state.z[:, example].T.cov(), covariance, rtol=0.2, atol=0.03)


def test_half_way_they_sample_the_geometric_mean_of_start_and_posterior(known):
    model = known.linear_gaussian(2, 5)
    start = from_posterior(model.target, known.family, model.wrong, 1000, 0)
    state, _ = chains_after(start, 40, 0.5, 0.5)
    wide = model.wrong["scale"].square().reciprocal().diag_embed()
    precision = (wide + model.precision) / 2
    pull = wide @ model.wrong["loc"][..., None] + model.precision @ model.mean[..., None]
    expected = torch.linalg.solve(precision, pull / 2)[..., 0]
    torch.testing.assert_close(state.z.mean(0), expected, rtol=0, atol=0.1)


def test_where_z_is_above_0_they_sample_the_posterior_of_z(known):
    target = known.target_from(
        lambda z, rows: Poisson(z[:, 0]).log_prob(torch.tensor(3.0)),
        lambda z: Gamma(2.0, 1.0).log_prob(z[:, 0]),
    )
    ones = torch.ones(1, 1)
    start = from_posterior(target, gamma, {"concentration": ones, "rate": ones}, 4000, 0)
    z = chains_after(start, 30, 1.0, 0.5)[0].z[:, 0, 0]
    # The posterior is Gamma(2 + 3, 1 + 1).
    assert abs(z.mean() - 2.5) < 4 * math.sqrt(1.25 / 4000)
    assert abs(z.var() - 1.25) < 0.15


def test_steps_follow_a_full_covariance(known):
    narrow = known.linear_gaussian(6, 5, variance=0.01)
    factor = torch.linalg.cholesky(torch.linalg.inv(narrow.precision))
    params = {"loc": narrow.mean, "scale_tril": factor.expand(4, 6, 6)}
    start = from_posterior(narrow.target, full_normal, params, 200, 0)
    # In units of its own covariance a normal of six values accepts long steps.
    assert chains_after(start, 5, 1.0, 0.7)[1] > 0.7


def test_what_is_not_finite_is_never_gone_to(known):
    def log_px_z(z, rows):
        return torch.where(z[:, 0] > 0, (-z[:, 0]).exp() / z[:, 0].clamp(min=0), math.nan)

    target = known.target_from(log_px_z, lambda z: -(z.square().sum(1)) / 2)
    params = {"loc": torch.full((1, 1), 1.0), "scale": torch.full((1, 1), 0.1)}
    start = from_posterior(target, known.family, params, 50, 0)
    state, _ = chains_after(start, 30, 1.0, 8.0)
    assert state.log_target.isfinite().all()
    assert (state.z > 0).all()
