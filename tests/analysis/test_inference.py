import math

import pytest
import torch

from genprobe.analysis.inference import as_stated, inference_report
from genprobe.estimators.annealing import Annealing
from genprobe.store.inference import CURVE, SIMULATED, KeptInference

M, CHAINS = 40, 16


def noise(*shape):
    return torch.randn(*shape, M).double()


def annealing(bins=0.0, n=M, **changes):
    """Chains of log p(x) = −80, of which those half as long are half a nat lower."""
    log_p = torch.full((M,), -80.0).double()
    elbo = log_p - 5 + noise(64)
    arrays = {
        "log_pz": noise(),
        "log_weight": log_p + 0.1 * noise(CHAINS),
        "before": log_p - 0.5 + 0.1 * noise(CHAINS),
        "elbo": elbo,
        "best_elbo": elbo + 3,
        "iterated_elbo/10": elbo + 1,
        "prior_weight": log_p - 2 + 0.1 * noise(8),
        "acceptance": torch.linspace(0.6, 0.8, M).double(),
        **changes,
    }
    counts = {"temperatures": 64, "chains": CHAINS, "evaluations": 9, "max_steps": 64}
    facts = {**counts, "tolerance": 0.01, "reached": False, "prior": "standard-normal"}
    kept = KeptInference(index=torch.arange(M), arrays=arrays, facts=facts)
    return Annealing(
        n=n,
        log_weight=arrays["log_weight"] + bins,
        elbo=elbo + bins,
        best_elbo=elbo + 3 + bins,
        index=kept.index,
        bins=bins,
        kept=kept,
    )


@pytest.mark.parametrize("bins", [0.0, -300.0])
def test_what_it_says_is_what_the_chains_say_of_bins_or_not(bins):
    found = inference_report(annealing(bins), None)
    assert found.half_length.value == pytest.approx(0.5, abs=0.05)
    assert found.prior_chains.value == pytest.approx(-2, abs=0.05)
    assert found.steps_gain[10].value == pytest.approx(1)
    assert (found.acceptance, found.least_acceptance) == pytest.approx((0.7, 0.6))
    assert 0.9 < found.least_effective_sample_size < found.effective_sample_size < 1
    assert (found.missed, found.reached, found.simulated, found.curve) == (0, False, None, ())


def test_chains_from_the_prior_that_are_above_are_counted():
    above = torch.full((8, M), -80.0).double() + 0.1 * noise(8)
    above[:, :7] += math.log(2)
    assert inference_report(annealing(prior_weight=above), None).missed == 7


def test_the_bounds_from_both_sides_are_apart_by_what_each_is_off():
    forward, reverse = (torch.randn(CHAINS, 90).double() for _ in range(2))
    simulated = {SIMULATED[0]: 0.1 * forward - 0.3, SIMULATED[1]: 0.1 * reverse + 0.2}
    found = inference_report(annealing(**simulated), None).simulated
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert (found.n, found.kind) == (90, "upper")
    assert found.se_data == found.se > 0


def linear_gaussian(beta):
    """R, D and R + βD of p(z) = N(0, 1), p(x|z) = N(z, 1) at x = 1.5, and weighed draws of q_β."""
    x, precision = 1.5, 1 + beta
    q = torch.distributions.Normal(x * beta / precision, precision**-0.5)
    wide = torch.distributions.Normal(x * beta / precision, 1.2 * precision**-0.5)
    z = wide.sample((4000, M)).double()
    log_px = -0.5 * (x - z) ** 2 - 0.5 * math.log(2 * math.pi)
    log_weight = torch.distributions.Normal(0.0, 1.0).log_prob(z) + beta * log_px - wide.log_prob(z)
    distortion = 0.5 * ((x - q.mean) ** 2 + q.variance) + 0.5 * math.log(2 * math.pi)
    prior = torch.distributions.Normal(0.0, 1.0)
    rate = torch.distributions.kl_divergence(q, prior)
    return (float(rate), float(distortion)), log_weight, -log_px


@pytest.mark.parametrize("bins", [0.0, -3.0])
def test_the_decoders_curve_is_the_closed_form(bins):
    betas = (0.5, 2.0)
    truth, log_weight, distortion = zip(*map(linear_gaussian, betas), strict=True)
    curve = {
        CURVE[0]: torch.tensor(betas).double(),
        CURVE[1]: torch.stack(log_weight)[:, :400],
        CURVE[2]: torch.stack(distortion)[:, :400],
    }
    found = inference_report(annealing(bins, **curve), None).curve
    for point, beta, (rate, d) in zip(found, betas, truth, strict=True):
        assert point.beta == beta
        cost = rate + beta * (d - bins)
        for estimate, value in (
            (point.rate, rate),
            (point.distortion, d - bins),
            (point.cost, cost),
        ):
            assert abs(estimate.value - value) < 4 * estimate.se < 0.1
        assert point.cost.kind == "upper"


def test_what_is_known_of_all_examples_makes_the_curve_more_certain():
    n, beta = 400, 1.0
    rate, distortion = 20 + 3 * torch.randn(1, n).double(), 60 + 9 * torch.randn(2, n).double()
    d = distortion.mean(0)[:M]
    weights = -(rate[0, :M] + d) + 0.1 * noise(CHAINS)
    curve = {
        CURVE[0]: torch.tensor([beta]).double(),
        CURVE[1]: weights[None],
        CURVE[2]: (d + 0.1 * noise(CHAINS))[None],
    }
    changes = {**curve, "elbo": -(rate[0, :M] + d) + noise(64)}
    given = annealing(n=n, **changes)
    given = Annealing(**{**vars(given), "elbo": changes["elbo"]})
    (alone,), (helped,) = (
        inference_report(given, known).curve for known in (None, (rate, distortion))
    )
    assert helped.rate.se < alone.rate.se / 2
    assert abs(helped.rate.value - float(rate.mean())) < 0.3
    assert abs(helped.cost.value - float(rate.mean() + distortion.mean())) < 1.5


def test_few_examples_state_no_error_over_the_data():
    found = as_stated(inference_report(annealing(), None), 1000)
    assert found.half_length.se_data is None
    assert inference_report(annealing(), None).half_length.se_data > 0
