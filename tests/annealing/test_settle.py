import torch

from genprobe.annealing.jackknife import log_mean_weight
from validation.settle import settle


def test_from_a_wrong_encoder_the_bound_settles_within_the_tolerance(known):
    model = known.linear_gaussian(2, 20)
    found = settle(model.target, known.family, model.wrong, tolerance=0.03, fit_steps=100, seed=0)
    last = found.history[-1]
    assert max(last.error, last.bias) <= 0.03
    assert abs(last.bound - float(model.log_px.mean())) < 4 * last.error + 0.01
    assert last.bound == float(log_mean_weight(found.last.log_weight).mean())
    assert known.loss_against_best(model, found.best).max() < 0.5


def test_each_run_is_at_least_as_long_and_draws_anew(known):
    model = known.linear_gaussian(2, 5)
    settings = {"tolerance": 0.05, "max_steps": 4, "fit_steps": 5, "seed": 0}
    found, again = (settle(model.target, known.family, model.best, **settings) for _ in range(2))
    assert [rung.temperatures for rung in found.history[:2]] == [2, 4]
    assert len({rung.bound for rung in found.history}) == len(found.history)
    assert torch.equal(found.last.log_weight, again.last.log_weight)
