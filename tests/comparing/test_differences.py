"""Differences of linear-Gaussian models, whose ELBO is known in closed form on any data.

x = W z + noise of variance V in each of P dimensions, z standard normal, and the posterior
N(A x + shift, S²). At the exact posterior the ELBO is log p(x); shifted, it is short of that by
KL(q‖posterior) = P shift² / (2 S²) on every example.
"""

import dataclasses
import math

import pytest
import torch
from scipy.stats import t

import genprobe
from genprobe.comparing.differences import columns_of, critical_z, difference, differences
from genprobe.estimators.standard_error import mean_over_examples
from genprobe.plugins import plugins

P, W, V = 8, 0.8, 0.5
A, S = W / (W * W + V), math.sqrt(V / (W * W + V))
MEANS = ("rate", "distortion", "elbo")


def shift_of(nats):
    """The shift that costs so many nats of ELBO."""
    return math.sqrt(2 * S * S * nats / P)


def data(n, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return math.sqrt(W * W + V) * torch.randn(n, P, generator=chance)


def model(name="exact", shift=0.0, slope=A, **parts):
    return genprobe.Model(
        name=name,
        encode=lambda x: {"loc": slope * x + shift, "scale": torch.full_like(x, S)},
        posterior="diagonal-normal",
        **{
            "prior": "standard-normal",
            "decode": lambda z: {"loc": W * z, "scale": torch.tensor(math.sqrt(V))},
            "likelihood": "normal",
            **parts,
        },
    )


@pytest.fixture
def evaluate():
    """Evaluate quickly: only what is a mean over examples."""

    def run(made, x, **options):
        estimators = {k: v for k, v in plugins().all("estimators").items() if k in MEANS}
        return genprobe.evaluate(made, x, estimators=estimators, **options)

    return run


@pytest.fixture
def parts(evaluate):
    """The differences, by name, of two models on each of many small parts of the data."""

    def run(first, second, x, size, draws=(1, 1), seeds=(0, 0)):
        one, other = (
            columns_of(evaluate(made, x, draws=count, seed=seed, dtype="float64"))
            for made, count, seed in zip((first, second), draws, seeds, strict=True)
        )
        for low in range(0, len(x), size):
            a, b = ({k: v[:, low : low + size] for k, v in c.items()} for c in (one, other))
            yield {k: difference("a", "b", stated(k, a), stated(k, b), a, b) for k in MEANS}

    return run


def stated(name, columns):
    """The estimate that columns are the examples of."""
    return mean_over_examples(name, columns[name], exact=name == "rate")


def spread(scores):
    """Root mean square: 1 if the errors are right."""
    return math.sqrt(sum(s * s for s in scores) / len(scores))


def test_five_hundredths_of_a_nat_on_10000_examples_are_told_apart(evaluate):
    x = data(10_000)
    short, exact = (evaluate(model(shift=s), x) for s in (shift_of(0.05), 0.0))
    found = {d.name: d for d in differences({"short": short, "exact": exact}, "exact")}["elbo"]
    assert found.paired
    assert abs(found.value + 0.05) < 4 * found.se_data
    assert found.z < -3
    one, other = short["elbo"], exact["elbo"]
    assert one.value + 1.96 * one.se_data > other.value - 1.96 * other.se_data


def test_the_difference_is_that_of_the_two_numbers_in_the_table(evaluate):
    x = data(300)
    reports = {"a": evaluate(model(slope=0.3), x, draws=3), "b": evaluate(model(), x, draws=3)}
    for found in differences(reports, "b"):
        one, other = (reports[k] for k in "ab")
        assert found.value == one[found.name].value - other[found.name].value
        apart = columns_of(one)[found.name].mean(0) - columns_of(other)[found.name].mean(0)
        assert found.value == pytest.approx(apart.mean().item(), abs=1e-12)
        assert found.se_data == pytest.approx(apart.std().item() / math.sqrt(300), rel=1e-9)


def truth(x, slope):
    """Rate and distortion of every example in closed form, float64."""
    x = x.double()
    rate = 0.5 * (S * S + (slope * x) ** 2 - 1 - math.log(S * S)).sum(1)
    left = ((1 - W * slope) * x) ** 2 + W * W * S * S
    return rate, 0.5 * P * math.log(2 * math.pi * V) + left.sum(1) / (2 * V)


@pytest.mark.seeds
@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)], ids=["same noise", "other noise"])
@pytest.mark.parametrize("draws", [(4, 4), (4, 2)])
def test_the_monte_carlo_error_covers_the_truth_on_these_examples(parts, seeds, draws):
    x = data(6000)
    scores = []
    for i, found in enumerate(parts(model(slope=0.3), model(), x, 40, draws, seeds)):
        rows = x[40 * i : 40 * i + 40]
        (rate, distortion), (other_rate, other_distortion) = truth(rows, 0.3), truth(rows, A)
        exact = (distortion - other_distortion).mean().item()
        scores.append((found["distortion"].value - exact) / found["distortion"].se)
        assert found["rate"].se == 0
        assert found["rate"].value == pytest.approx((rate - other_rate).mean().item(), rel=1e-6)
    # From unlike numbers of draws the error is only an upper bound.
    assert (0.85 if draws[0] == draws[1] else 0) < spread(scores) < 1.15


@pytest.mark.seeds
def test_the_data_error_covers_the_truth_of_the_population(parts):
    square = W * W + V
    rate = 0.5 * P * (0.3**2 - A**2) * square
    distortion = P * ((1 - 0.3 * W) ** 2 - (1 - A * W) ** 2) * square / (2 * V)
    found = [f["elbo"] for f in parts(model(slope=0.3), model(), data(20_000), 100)]
    assert 0.85 < spread([(d.value + rate + distortion) / d.se_data for d in found]) < 1.15


def test_without_a_store_the_errors_are_added_and_it_says_so(evaluate):
    x = data(200)
    one, other = evaluate(model(slope=0.3), x), evaluate(model(), x)
    alone = dataclasses.replace(one, store=None)
    for found in differences({"one": alone, "other": other}, "other"):
        errors = alone[found.name].se_data, other[found.name].se_data
        assert not found.paired
        assert found.se_data == pytest.approx(math.hypot(*errors))
    paired = differences({"one": one, "other": other}, "other")
    assert all(d.paired for d in paired)


def test_a_store_of_other_numbers_than_the_report_states_is_not_used(evaluate):
    x = data(50)
    one, other = evaluate(model(slope=0.3), x), evaluate(model(), x)
    odd = dataclasses.replace(one["distortion"], value=one["distortion"].value + 1e-6)
    changed = dataclasses.replace(one, estimates={**one.estimates, "distortion": odd})
    found = {d.name: d.paired for d in differences({"a": changed, "b": other}, "b")}
    assert found == {"elbo": True, "rate": True, "distortion": False}


@pytest.mark.parametrize(
    ("parts", "options"),
    [
        ({}, {"bin_width": 0.01}),
        ({"decode": lambda z: {"loc": W * z}, "likelihood": "normal-optimal-sigma"}, {}),
    ],
    ids=["bins", "fitted scale"],
)
def test_numbers_that_the_report_was_made_with_are_found_again(evaluate, parts, options):
    x = data(60)
    reports = {
        "a": evaluate(model(slope=0.3, **parts), x, draws=2, **options),
        "b": evaluate(model(**parts), x, draws=2, **options),
    }
    assert [d.paired for d in differences(reports, "b")] == [True] * 3


def test_another_prior_than_the_store_has_is_paired_too(evaluate):
    x = data(60)
    laplace = {"prior": genprobe.NamedPrior(name="laplace", params=ones())}
    reports = {"a": evaluate(model(slope=0.3, **laplace), x), "b": evaluate(model(**laplace), x)}
    swapped = {
        k: genprobe.report_from_store(r.store, prior="standard-normal") for k, r in reports.items()
    }
    found = {d.name: d for d in differences(swapped, "b")}
    rates = [truth(x, slope)[0].mean().item() for slope in (0.3, A)]
    assert found["rate"].paired
    assert found["rate"].value == pytest.approx(rates[0] - rates[1], rel=1e-5)


def ones():
    return {"loc": torch.zeros(P), "scale": torch.ones(P)}


def test_what_one_of_them_lacks_is_left_out(evaluate):
    x = data(50)
    blind = evaluate(model(decode=None, likelihood=None), x)
    found = differences({"blind": blind, "full": evaluate(model(), x)}, "full")
    assert [d.name for d in found] == ["rate"]


def test_a_model_beside_itself_differs_by_nothing_and_has_no_z(evaluate):
    x = data(50)
    one = evaluate(model(), x)
    found = {d.name: d for d in differences({"a": one, "b": one}, "b")}["elbo"]
    assert (found.value, found.se_data, found.z) == (0.0, 0.0, None)


@pytest.mark.parametrize("tests", [1, 3, 19900])
@pytest.mark.parametrize("n", [2, 5, 1000])
def test_the_critical_z_is_bonferronis_on_students_t(tests, n):
    truth = t.isf(0.05 / (2 * tests), n - 1)
    assert critical_z(tests, n) == pytest.approx(truth, rel=1e-9)


@pytest.mark.seeds
@pytest.mark.parametrize("n", [5, 10, 30])
def test_models_that_do_not_differ_are_told_apart_in_one_case_of_twenty(n):
    runs, zeros = 4000, {"elbo": torch.zeros(1, n).double()}
    values = torch.randn(runs, 1, n, generator=torch.Generator().manual_seed(n)).double()
    z = []
    for value in values:
        own = {"elbo": value}
        z.append(difference("a", "b", stated("elbo", own), stated("elbo", zeros), own, zeros).z)
    apart = sum(abs(one) > critical_z(1, n) for one in z) / runs
    assert abs(apart - 0.05) < 4 * (0.05 * 0.95 / runs) ** 0.5
