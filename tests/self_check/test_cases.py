"""The truths of ``genprobe validate``, each by a second way."""

import math
from functools import partial

import pytest
import torch
from torch.distributions import Categorical, Independent, Laplace, Normal

from genprobe.self_check.case import evaluate_case
from genprobe.self_check.cases import self_checks
from genprobe.self_check.codes import bit_codes, class_codes, params_of, plane_codes, sphere_codes
from genprobe.self_check.exact import bumps_truths, cube_truths, line_population, line_truths
from genprobe.self_check.models import bumps, cube, line
from genprobe.self_check.quadrature import (
    discrete_truths,
    mixture_plane,
    plane_truths,
    sphere_truths,
)

DRAWS = 400


def by_draws(params, entries):
    """I(n;z), leave-one-out and total correlation from draws, with their errors."""
    torch.manual_seed(0)
    q = entries(params["loc"], params["scale"])
    n = len(params["loc"])
    found = []
    for _ in range(DRAWS):
        z = q.sample()
        single = entries(params["loc"][None], params["scale"][None]).log_prob(z[:, None])
        pairs = single.sum(2)
        own, log_q = pairs.diagonal(), pairs.logsumexp(1) - math.log(n)
        others = pairs.masked_fill(torch.eye(n).bool(), -math.inf).logsumexp(1) - math.log(n - 1)
        lines = (single.logsumexp(1) - math.log(n)).sum(1)
        found.append([(own - log_q).mean(), (own - others).mean(), (log_q - lines).mean()])
    values = torch.tensor(found)
    return values.mean(0), values.std(0) / math.sqrt(DRAWS)


@pytest.mark.parametrize(
    ("shape", "entries"),
    [
        ({"n": 30}, Normal),
        ({"n": 30, "shape": "outliers", "scale": 0.2}, Normal),
        ({"n": 30, "scale": 0.05}, Normal),
        ({"n": 30, "family": "laplace", "scale": 0.3}, Laplace),
    ],
    ids=str,
)
def test_quadrature_in_the_plane_agrees_with_draws(shape, entries):
    make = partial(plane_codes, **shape)
    truths = plane_truths(make)
    mean, error = by_draws(params_of(make(0)), entries)
    names = ("mutual_information", "mutual_information_loo", "total_correlation")
    z = (mean - torch.tensor([truths[name].value for name in names])) / error
    assert z.abs().max() < 4


def test_a_rate_under_the_mixture_agrees_with_draws():
    make = partial(plane_codes, n=30, unequal=0.6, mixture=True)
    params = params_of(make(0))
    q = Independent(Normal(params["loc"], params["scale"]), 1)
    torch.manual_seed(0)
    z = q.sample((20_000,))
    values = (q.log_prob(z) - mixture_plane().log_prob(z)).mean(1)
    error = float(values.std()) / math.sqrt(len(values))
    assert float(values.mean()) == pytest.approx(plane_truths(make)["rate"].value, abs=4 * error)


@pytest.mark.parametrize("maker", [bit_codes, class_codes])
def test_discrete_codes_agree_with_the_entropies_of_torch(maker):
    make = partial(maker, n=30, spread=2.0)
    truths = discrete_truths(make)
    logits = params_of(make(0))["logits"]
    if logits.dim() == 2:
        logits = torch.stack([torch.zeros_like(logits), logits], 2)
    entropy = Categorical(logits=logits).entropy().sum(1).mean()
    most = logits.shape[1] * math.log(logits.shape[2])
    assert truths["rate"].value == pytest.approx(float(most - entropy))
    torch.manual_seed(0)
    z = Categorical(logits=logits).sample((DRAWS,))
    pairs = torch.stack(
        [
            sum(logits.log_softmax(2)[:, place, :].T[draw[:, place]] for place in range(z.shape[2]))
            for draw in z
        ]
    )
    own = pairs.diagonal(dim1=1, dim2=2)
    values = (own - pairs.logsumexp(2) + math.log(30)).mean(1)
    error = float(values.std()) / math.sqrt(DRAWS)
    found = truths["mutual_information"].value
    assert float(values.mean()) == pytest.approx(found, abs=4 * error)


def test_the_rule_on_the_sphere_has_converged_and_gives_the_known_rate():
    make = partial(sphere_codes, n=10, concentration=5.0)
    coarse, fine = (sphere_truths(make, rows=rows) for rows in (60, 200))
    assert coarse["mutual_information"].value == pytest.approx(fine["mutual_information"].value)
    # KL from the even density: ln κ − ln sinh κ + κ coth κ − 1 (Mardia & Jupp 2000, section 9.3.2).
    known = math.log(5 / math.sinh(5)) + 5 / math.tanh(5) - 1
    assert fine["rate"].value == pytest.approx(known)


def test_numbers_of_the_linear_gaussian_model_agree_with_its_optimum():
    found = line_population(1.0)
    # At β = 1 the posterior is exact: R + D is the entropy of N(0, max(λ, v)) against the data.
    variances = torch.tensor([6.0, 3.0, 1.5, 0.4]), torch.tensor([6.0, 3.0, 1.5, 0.5])
    against = (math.log(2 * math.pi) + variances[1].log() + variances[0] / variances[1]).sum() / 2
    assert -found["elbo"].value == pytest.approx(float(against))
    many = line_truths(partial(line, n=200_000, beta=1.0), 1.0)
    assert many["elbo"].value == pytest.approx(found["elbo"].value, abs=0.02)


def test_slope_and_rate_under_the_mixture_agree_for_many_examples_and_the_population():
    many, population = bumps_truths(partial(bumps, n=800)), bumps_truths(partial(bumps, n=1), None)
    # 800 examples: R has a standard error of about 0.06, the slope less; four of them.
    assert many["rate"].value == pytest.approx(population["rate"].value, abs=0.25)
    assert many["slope"].value == pytest.approx(population["slope"].value, abs=0.25)


def test_the_round_trip_of_the_hypercube_agrees_with_draws():
    a, s = 0.8, 0.6
    torch.manual_seed(0)
    z = torch.randn(400_000, dtype=torch.float64)
    sign = 2 * torch.bernoulli(torch.sigmoid(2 * a * z / s**2)) - 1
    terms = Normal(sign * a, torch.tensor(s).double()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    error = 10 * float(terms.std()) / math.sqrt(len(z))
    found = cube_truths(10, a, s)["generative_mutual_information"].value
    assert found == pytest.approx(10 * float(terms.mean()), abs=4 * error)


def test_every_case_knows_some_of_its_estimates_and_has_a_name_of_its_own():
    cases = self_checks()
    assert len({case.name for case in cases}) == len(cases) >= 12
    assert all(
        set(case.truths()) & set(case.estimators) for case in cases if "sphere" not in case.name
    )


def test_examples_stay_for_the_one_error_and_change_for_the_other():
    [case] = [case for case in self_checks() if case.name == "bits"]
    fixed = {evaluate_case(case, seed)["rate"].value for seed in range(2)}
    assert len(fixed) == 1


def test_corners_come_once_or_at_random():
    assert cube(0, d=3, a=0.5, s=1.0).data.shape == (8, 3)
    assert not cube(1, d=3, a=0.5, s=1.0, n=20).data.equal(cube(2, d=3, a=0.5, s=1.0, n=20).data)
