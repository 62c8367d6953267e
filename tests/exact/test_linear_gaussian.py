"""x ~ N(0, Σ), q(z|x) = N(Ax, S), decoder N(Wz, v I): the population's quantities are known."""

import math

import pytest
import torch
from torch.distributions import (
    Categorical,
    Independent,
    Laplace,
    MixtureSameFamily,
    Normal,
    StudentT,
)

import genprobe
from genprobe.priors.from_distribution import prior_from_distribution

P, V, BETA, N = 4, 0.3, 1.0, 4000
EIGENVALUES = torch.tensor([4.0, 2.0, 1.0, 0.1], dtype=torch.float64)
THETA = BETA * V
ACTIVE = EIGENVALUES > THETA


def optimum():
    """A, S (diagonal, as standard deviations) and W of the β-optimal model in the eigenbasis."""
    kept = torch.where(ACTIVE, 1 - THETA / EIGENVALUES, 0.0)
    a = torch.where(ACTIVE, (kept / EIGENVALUES).sqrt(), 0.0)
    return a, (1 - kept).sqrt(), (EIGENVALUES * kept).sqrt()


def model(prior="standard-normal", shift=0.0):
    a, s, w = (t.float() for t in optimum())
    return genprobe.Model(
        name="linear-gaussian",
        encode=lambda x: {"loc": a * x + shift, "scale": s.expand_as(x)},
        decode=lambda z: {"loc": w * (z - shift), "scale": torch.tensor(math.sqrt(V))},
        posterior="diagonal-normal",
        prior=prior,
        likelihood="normal",
    )


@pytest.fixture(scope="module")
def data():
    noise = torch.randn(N, P, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (noise * EIGENVALUES.sqrt()).float()


@pytest.fixture(scope="module")
def report(data):
    return genprobe.evaluate(model(), data, draws=2, max_queries=2000)


RATE = float((EIGENVALUES[ACTIVE] / THETA).log().sum() / 2)
DISTORTION = float(P / 2 * math.log(2 * math.pi * V) + EIGENVALUES.clamp(max=THETA).sum() / (2 * V))


@pytest.mark.parametrize(("name", "truth"), [("rate", RATE), ("distortion", DISTORTION)])
def test_population_values_are_within_four_standard_errors_over_data(report, name, truth):
    assert abs(report[name].value - truth) < 4 * report[name].se_data


def test_rate_of_these_examples_is_the_closed_form(report, data):
    a, s, _ = optimum()
    kl = ((a * data.double()).square() + s.square() - 1) / 2 - s.log()
    assert report["rate"].value == pytest.approx(kl.sum(1).mean().item(), abs=1e-5)


def test_distortion_of_these_examples_is_the_closed_form(report, data):
    a, s, w = optimum()
    x = data.double()
    miss = (x - w * a * x).square() + (w * s).square()
    truth = P / 2 * math.log(2 * math.pi * V) + (miss / (2 * V)).sum(1).mean().item()
    assert abs(report["distortion"].value - truth) < 4 * report["distortion"].se


def test_information_lies_between_the_index_code_and_leave_one_out(report):
    # With KL_pop = 0 the population's I(X;Z) is the rate.
    low, high = report["mutual_information"], report["mutual_information_loo"]
    assert low.value < RATE + 4 * low.se_data
    assert high.value > RATE - 4 * high.se_data


def test_a_dimension_below_the_noise_is_collapsed(report):
    assert [d.active for d in report.dimensions] == ACTIVE.tolist()
    assert {"collapsed-dimensions", "density-distortion"} <= {w.code for w in report.warnings}


def test_position_of_a_density_is_undefined_without_a_bin_width(report, data):
    assert report.regime.by_position is None
    binned = genprobe.evaluate(model(), data, bin_width=0.01, max_queries=100)
    density = genprobe.evaluate(model(), data, max_queries=100)
    shift = binned["distortion"].value - density["distortion"].value
    assert shift == pytest.approx(P * math.log(100))
    assert binned.regime.by_position is not None
    assert "density-distortion" not in [w.code for w in binned.warnings]


def test_a_shift_of_the_whole_code_costs_only_marginal_kl(report, data):
    shifted = genprobe.evaluate(model(shift=3.0), data, draws=2, max_queries=2000)
    information = "mutual_information"
    assert shifted[information].value == pytest.approx(report[information].value, abs=1e-3)
    a = optimum()[0]
    # KL(N(m + 3, ·) ‖ N(0, 1)) − KL(N(m, ·) ‖ N(0, 1)) = 3 m + 9/2 in each dimension.
    extra = (3 * a * data.double() + 4.5).sum(1).mean().item()
    assert shifted["rate"].value - report["rate"].value == pytest.approx(extra, abs=1e-4)


@pytest.fixture(params=["mixture", "student"])
def open_prior(request):
    """A prior without a closed-form divergence from normals."""
    ones = torch.ones(2, P, dtype=torch.float64)
    loc = ones * torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    mixture = MixtureSameFamily(Categorical(ones[:, 0]), Independent(Normal(loc, ones), 1))
    student = Independent(StudentT(5 * ones[0]), 1)
    return prior_from_distribution(
        request.param, {"mixture": mixture, "student": student}[request.param]
    )


def sampled_rate(prior, x, draws=4000):
    """R by fresh draws and the entropy of a normal, with its standard error."""
    a, s, _ = optimum()
    z = a * x.double() + s * torch.randn(draws, *x.shape, dtype=torch.float64)
    cost = -prior.log_prob(z).mean(1)
    entropy = (s.log() + math.log(2 * math.pi * math.e) / 2).sum()
    return (cost.mean() - entropy).item(), cost.std().item() / math.sqrt(draws)


@pytest.mark.parametrize("late", [False, True], ids=["in the model", "given later"])
def test_a_monte_carlo_rate_is_unbiased_and_says_so(data, open_prior, late):
    own, given = ("standard-normal", open_prior) if late else (open_prior, None)
    found = genprobe.evaluate(model(own), data[:500], prior=given, draws=5, max_queries=100)
    truth, noise = sampled_rate(open_prior, data[:500])
    rate = found["rate"]
    assert (rate.kind, rate.se > 0) == ("estimate", True)
    assert abs(rate.value - truth) < 4 * math.hypot(rate.se, noise)
    assert "monte-carlo-rate" in [w.code for w in found.warnings]


def test_a_divergence_that_torch_knows_is_exact_for_an_unregistered_prior(data):
    zeros = torch.zeros(P, dtype=torch.float64)
    prior = prior_from_distribution("laplace", Independent(Laplace(zeros, zeros + 0.7), 1))
    found = genprobe.evaluate(model(prior), data[:500], max_queries=100)
    truth, noise = sampled_rate(prior, data[:500])
    assert (found["rate"].kind, found["rate"].se) == ("exact", 0.0)
    assert abs(found["rate"].value - truth) < 4 * noise
    assert "monte-carlo-rate" not in [w.code for w in found.warnings]


def test_an_analytic_rate_raises_no_such_warning(report):
    assert "monte-carlo-rate" not in [w.code for w in report.warnings]
