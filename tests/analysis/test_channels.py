import json
import math

import pytest
import torch

import genprobe
from genprobe.aggregate.fitted import fit_marginal
from genprobe.analysis.channels import channels_of
from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.quantities import Quantities
from genprobe.plugins import plugins
from genprobe.runs import evaluation

CODES = {
    "loc": torch.randn(200, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
    "scale": torch.full((200, 2, 4, 4), 0.5),
}


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_moments_of_a_channel_are_those_of_all_its_values():
    values = numbers(300, 2, 9) * torch.tensor([[1.0], [3.0]]) + torch.tensor([[0.0], [5.0]])
    centre, none = values.mean((0, 2))[:, None], values.new_zeros(0)
    square = (values - centre).square().mean(2)
    grid = GridMoments((2, 9), values.mean(2), square, none, square[:, :0], square)
    for c, channel in enumerate(channels_of(grid)):
        assert channel.mean.value == pytest.approx(float(values[:, c].mean()))
        std = float(values[:, c].std(correction=0))
        assert channel.std.value == pytest.approx(std)
        # Independent normal values: σ/√m and σ/√(2m).
        assert channel.mean.se_data == pytest.approx(std / 2700**0.5, rel=0.15)
        assert channel.std.se_data == pytest.approx(std / 5400**0.5, rel=0.15)
        assert channel.rate.value == pytest.approx(float(square[:, c].mean()))


def test_only_what_an_estimator_asked_for_is_worked_out():
    rate = {"rate": plugins().get("estimators", "rate")}
    report = genprobe.evaluate_posteriors(CODES, estimators=rate)
    assert (report.channels, report.grid) == ((), None)


def test_few_examples_state_no_error_of_a_channel():
    few = {k: v[:50] for k, v in CODES.items()}
    names = ("scaling_factor", "rate")
    report = genprobe.evaluate_posteriors(
        few, estimators={name: plugins().get("estimators", name) for name in names}
    )
    for channel in report.channels:
        assert (channel.mean.se_data, channel.std.se_data, channel.rate.se_data) == (None,) * 3
        assert "fewer than 150" in channel.std.remark


def asked(*names):
    return {name: plugins().get("estimators", name) for name in names}


MIXED = torch.tensor([[1.0, 0.0], [0.8, 0.5]], dtype=torch.float64)
NOISE = 0.3


def white_codes(seed, n=200):
    """Codes white over 3 × 4 positions, of two channels that depend on each other."""
    waves = torch.randn(n, 2, 3, 4, generator=torch.Generator().manual_seed(seed)).double()
    loc = torch.einsum("cd,ndhw->nchw", MIXED, waves) + torch.tensor([0.5, -1.0])[:, None, None]
    return {"loc": loc.float(), "scale": torch.full(loc.shape, NOISE)}


def white_cost(n):
    """What the channels' own normal pays for such codes, fitted to four of five folds, nats."""
    spread = MIXED @ MIXED.T + NOISE**2 * torch.eye(2)
    entropy = float(torch.logdet(spread)) / 2 - math.log(NOISE) * 2
    return 12 * entropy + 5 / (2 * 0.8 * n)  # two means and three second moments are fitted


@pytest.mark.seeds
def test_what_a_fitted_prior_pays_has_an_error_that_covers(monkeypatch):
    one = {"channel-normal": plugins().get("priors", "channel-normal")}
    monkeypatch.setattr(evaluation, "fit_best_marginal", lambda s, f, p: fit_marginal(s, f, one))
    names = asked("rate", "scaling_factor", "rate_fitted_prior")
    inside = 0
    for seed in range(60):
        report = genprobe.evaluate_posteriors(white_codes(seed), estimators=names)
        (bound,) = report.grid.bounds
        inside += abs(bound.nats.value - white_cost(200)) < 1.96 * bound.nats.se_data
    assert inside >= 53  # of 60 at 95 %; fewer come once in a hundred runs


def test_every_fitted_prior_of_a_grid_has_its_bound_in_nats_and_bits_a_pixel():
    names = asked("rate", "scaling_factor", "rate_fitted_prior")
    report = genprobe.evaluate_posteriors(white_codes(0), estimators=names, event_shape=(3, 12, 16))
    bounds = {b.candidate: b for b in report.grid.bounds}
    fit = report.provenance["fitted_prior"]
    assert bounds.keys() == fit["mean_log_density"].keys()
    assert {"diagonal-normal", "channel-normal", "stationary-normal"} <= bounds.keys()
    assert bounds[fit["rung"]].nats.value == report["rate_fitted_prior"].value
    for bound in bounds.values():
        assert bound.bits_per_pixel == pytest.approx(bound.nats.value / math.log(2) / 192)
    again = genprobe.Report.from_json(report.to_json())
    assert again.grid == report.grid
    old = json.loads(report.to_json())
    del old["grid"]["bounds"]
    assert genprobe.Report.from_json(json.dumps(old)).grid.bounds == ()


def test_the_error_of_a_bound_has_that_of_its_own_fits_in_it(monkeypatch):
    names = asked("rate", "scaling_factor", "rate_fitted_prior")
    apart = {"normal-mixture": 3.0}
    monkeypatch.setattr(Quantities, "error_of_candidate", lambda self, name: apart.get(name, 0.0))
    report = genprobe.evaluate_posteriors(white_codes(0), estimators=names)
    errors = {bound.candidate: bound.nats.se for bound in report.grid.bounds}
    assert errors.pop("normal-mixture") > 3.0
    assert max(errors.values()) < 1.0


def test_without_fitted_priors_a_grid_has_no_bounds():
    report = genprobe.evaluate_posteriors(CODES, estimators=asked("rate", "scaling_factor"))
    assert report.grid.bounds == ()
