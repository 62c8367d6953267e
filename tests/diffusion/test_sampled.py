import pytest
import torch

from genprobe.diffusion.octaves import octaves_of
from genprobe.diffusion.plan import REPLICATES, Plan, pilot_levels, plan_from, stratified_steps
from genprobe.diffusion.sampled import (
    decoder_terms,
    octave_rates,
    pilot_rates,
    squared_errors,
)
from genprobe.diffusion.terms import prior_term, step_factors
from genprobe.estimators.standard_error import mean_over_examples, sum_over_examples

N = 300
EXACT_ENOUGH = 4.5
"""Standard errors that an estimate may be off its truth."""


def planned(subject, x, n=N, tolerance=0.01):
    """The plan of a run of n examples, by a pilot on a few."""
    schedule, at = subject.schedule, pilot_levels(subject.schedule, 24)
    kl = pilot_rates(subject.chain, x[:24], at)
    weights = step_factors(schedule, "posterior")[0]
    flat = torch.zeros(2, 24).double()
    facts = {"known": 0.0, "n": n, "tolerance": tolerance, "values": x.shape[1]}
    return plan_from(kl, at, weights, flat, schedule, **facts)


def by_octave(values, octaves):
    """Sums of what belongs to steps (T, ...) over the steps of each octave."""
    found = torch.zeros(len(octaves.numbers), *values.shape[1:]).double()
    return found.index_add_(0, octaves.of_step, values)


@pytest.mark.parametrize("predicts", ["noise", "x", "v"])
@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [50, 1000])
@pytest.mark.parametrize("dimensions", [2, 16, 64])
def test_rates_and_errors_of_normal_data(make_gaussian, dimensions, steps, kind, predicts):
    subject = make_gaussian(dimensions, steps, kind, predicts)
    x, octaves = subject.data(N), octaves_of(subject.schedule)
    torch.manual_seed(steps + dimensions)
    plan = planned(subject, x)
    found = octave_rates(subject.chain, x, plan, octaves)
    whole = mean_over_examples("rate", found.sum(1))
    assert abs(whole.value - float(subject.rates().sum())) < EXACT_ENOUGH * whole.se_data
    of_these = subject.rates(x)
    assert abs(whole.value - float(of_these.sum(0).mean())) < EXACT_ENOUGH * whole.se
    truth = by_octave(of_these, octaves).mean(1)
    for each, exact in zip(found.unbind(1), truth.tolist(), strict=True):
        octave = mean_over_examples("rate", each)
        assert abs(octave.value - exact) < EXACT_ENOUGH * octave.se + 1e-9
    at = torch.linspace(0, steps - 1, 10).round().long()
    for t, squared in zip(at.tolist(), squared_errors(subject.chain, x, at), strict=True):
        error = mean_over_examples("distortion", squared[None])
        assert abs(error.value - float(subject.errors()[t])) < EXACT_ENOUGH * error.se_data


def test_a_denoiser_that_is_off_loses_what_it_must(make_gaussian):
    right, wrong = make_gaussian(16), make_gaussian(16, off=0.1)
    x, octaves = right.data(N), octaves_of(right.schedule)
    plan = planned(right, x)
    torch.manual_seed(0)
    rates = [octave_rates(each.chain, x, plan, octaves).sum(1) for each in (right, wrong)]
    snr = right.schedule.snr
    # R_t grows by ½ (SNR(s)/SNR(t) − 1) ‖0.1‖², a mean under the noise of which nothing is left.
    lost = float(((snr[:-1] / snr[1:]) - 1).sum()) / 2 * 16 * 0.01
    gain = rates[1].mean(0) - rates[0].mean(0)
    apart = mean_over_examples("rate", gain[None])
    assert abs(apart.value - lost) < EXACT_ENOUGH * apart.se


@pytest.mark.parametrize("variance", ["upper", "learned"])
def test_other_variances_cost_what_two_normals_do(make_gaussian, variance):
    subject = make_gaussian(8, steps=40, variance="upper")
    schedule, x = subject.schedule, subject.data(5)
    t = torch.tensor([[1, 4, 9, 25, 39]])
    torch.manual_seed(3)
    parts = [(error, some) for _, some, error, _ in subject.chain.noisy(x, t)]
    (error, some), chain = parts[0], subject.chain
    before = some - 1
    left = (
        schedule.sigma[some].square()
        - (schedule.alpha[some] / schedule.alpha[before]).square() * schedule.sigma[before].square()
    )
    q_variance = schedule.sigma[before].square() * left / schedule.sigma[some].square()
    shift = (schedule.alpha[before] * left / schedule.sigma[some].square())[..., None] * error
    scale = (left if variance == "upper" else 0.7 * left).sqrt()[..., None]
    q = torch.distributions.Normal(shift, q_variance.sqrt()[..., None])
    p = torch.distributions.Normal(torch.zeros_like(shift), scale)
    truth = torch.distributions.kl_divergence(q, p).sum(-1)
    if variance == "upper":
        found = chain.kl(error, None, some) + chain.known_rate(8)[some]
    else:
        found = chain.kl(error, (2 * scale.log()).expand_as(error), some)
    torch.testing.assert_close(found, truth, rtol=1e-9, atol=1e-12)


def test_errors_of_rate_and_curve_hold_what_they_claim(make_gaussian):
    subject = make_gaussian(4)
    octaves, plan = octaves_of(subject.schedule), None
    held = torch.zeros(4)
    scale = float(subject.diffusion.sigma[0])
    middle = len(octaves.numbers) // 2
    for seed in range(60):
        x = subject.data(100, seed)
        torch.manual_seed(seed)
        plan = plan or planned(subject, x, n=100)
        found = octave_rates(subject.chain, x, plan, octaves)
        rate = mean_over_examples("rate", found.sum(1))
        exact, octave = subject.rates(x), mean_over_examples("rate", found[:, middle])
        held[0] += abs(rate.value - float(exact.sum(0).mean())) < 1.96 * rate.se
        held[1] += abs(rate.value - float(subject.rates().sum())) < 1.96 * rate.se_data
        truth = float(by_octave(exact, octaves)[middle].mean())
        decoder = decoder_terms(
            subject.chain,
            x,
            plan.decoded,
            lambda expected, _, x=x: (
                (x.repeat(len(expected) // len(x), 1) - expected).square().sum(1) / (2 * scale**2)
            ),
        )
        bound = sum_over_examples("elbo", found.sum(1) + prior_term(x, subject.schedule), decoder)
        last = float(subject.errors(x)[0].mean()) / (2 * scale**2)
        whole = float(exact.sum(0).mean() + prior_term(x, subject.schedule).mean()) + last
        held[3] += abs(bound.value - whole) < 1.96 * bound.se
        held[2] += abs(octave.value - truth) < 1.96 * octave.se
    assert (held >= 52).all(), held


def test_the_tolerance_is_reached_and_the_number_of_steps_costs_nothing(make_gaussian):
    evaluations, errors = [], []
    for kind in ("linear", "cosine"):
        for steps in (50, 1000):
            subject = make_gaussian(16, steps, kind)
            x = subject.data(100)
            torch.manual_seed(1)
            plan = planned(subject, x, n=100, tolerance=0.003)
            found = octave_rates(subject.chain, x, plan, octaves_of(subject.schedule)).sum(1)
            rate = mean_over_examples("rate", found)
            evaluations.append(plan.evaluations)
            errors.append(rate.se / rate.value)
    assert max(errors) < 0.003 * 1.2
    assert evaluations[1] <= 1.5 * evaluations[0]
    assert evaluations[3] <= 1.5 * evaluations[2]


def test_more_draws_of_the_decoder_term_are_averaged():
    chain = type("Chain", (), {"noisy": lambda self, x, t: drawn(x, t)})()

    def drawn(x, t):
        yield slice(0, len(t)), t, torch.arange(float(len(t)))[:, None, None].expand(-1, 3, 1), None

    found = decoder_terms(chain, torch.zeros(3, 1).double(), 2, lambda x, v: -x.flatten())
    assert found.tolist() == [[0.5] * 3, [2.5] * 3]
    assert len(found) == REPLICATES


def test_strata_take_each_step_as_often_as_they_must():
    plan = Plan(probability=torch.tensor([0, 0.2, 0.5, 0.3]).double(), steps=10, decoded=1)
    t = stratified_steps(plan, torch.rand(10, 4, dtype=torch.float64))
    assert torch.bincount(t.flatten()).tolist() == [0, 8, 20, 12]
