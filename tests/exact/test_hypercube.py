"""x uniform on the corners of a hypercube, each coordinate coded on its own: all is known."""

import itertools
import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

import genprobe
from genprobe.estimators.tail import UNKNOWN

D = 10
LN2 = math.log(2)
BITS = torch.tensor(list(itertools.product([0.0, 1.0], repeat=D)))
CASES = [(0.5, math.sqrt(0.75)), (0.8, 0.6), (0.95, 0.25)]
PUBLISHED = {
    (0.5, math.sqrt(0.75)): (0.143452, 0.143841, 0.000389),
    (0.8, 0.6): (0.472486, 0.510826, 0.038340),
    (0.95, 0.25): (0.692935, 1.368794, 0.675860),
}


def hypercube(a, s):
    """Encoder N(a x, s² I) of x = ±1; decoder by Bayes' rule."""
    return genprobe.Model(
        name="hypercube",
        encode=lambda x: {"loc": a * (2 * x - 1), "scale": torch.full_like(x, s)},
        decode=lambda z: {"logits": 2 * a * z / s**2},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )


def information(a, s):
    """I(x;z), nats, by quadrature over one coordinate."""
    lost, _ = quad(
        lambda e: norm.pdf(e) * math.log1p(math.exp(-2 * a * (a + s * e) / s**2)),
        -12,
        12,
        points=[-a / s],
        epsabs=1e-12,
    )
    return D * (LN2 - lost)


def rate(a, s):
    return D / 2 * (s**2 + a**2 - 1 - 2 * math.log(s))


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    """(I, R) in closed form and the report."""
    a, s = request.param
    return information(a, s), rate(a, s), genprobe.evaluate(hypercube(a, s), BITS, draws=4)


@pytest.mark.parametrize(("a", "s"), CASES)
def test_closed_forms_are_the_published_numbers(a, s):
    bit = information(a, s) / D, rate(a, s) / D, (rate(a, s) - information(a, s)) / D
    assert bit == pytest.approx(PUBLISHED[a, s], abs=1e-6)


def test_rate_is_the_closed_form(case):
    _, rate, report = case
    assert report["rate"].value == pytest.approx(rate, abs=1e-6)
    assert (report["rate"].kind, report["rate"].se) == ("exact", 0.0)


@pytest.mark.parametrize("name", ["mutual_information", "marginal_kl", "distortion", "elbo"])
def test_estimates_are_within_four_standard_errors(case, name):
    exact, rate, report = case
    distortion = D * LN2 - exact
    truth = {
        "mutual_information": exact,
        "marginal_kl": rate - exact,
        "distortion": distortion,
        "elbo": -rate - distortion,
    }[name]
    found = report[name]
    if name in ("distortion", "elbo") and distortion < 0.01:
        # Codes are read wrongly once in 1400 draws, and nobody knows how far off the mean is.
        assert (found.se, found.se_data, found.remark) == (None, None, UNKNOWN)
        assert abs(found.value - truth) < 0.01
        return
    assert 0 < found.se < 0.2
    assert abs(found.value - truth) < 4 * found.se


def test_rate_is_information_plus_marginal_kl(case):
    _, _, report = case
    together = report["mutual_information"].value + report["marginal_kl"].value
    assert together == pytest.approx(report["rate"].value, abs=1e-9)


def test_information_never_exceeds_log_n(case):
    _, _, report = case
    assert report["mutual_information"].value <= report["log_n"].value == math.log(2**D)


def test_leave_one_out_lies_above_the_information_in_expectation(case):
    exact, _, report = case
    found = report["mutual_information_loo"]
    assert found.value > exact - 4 * found.se


def test_marginal_kl_lies_above_its_floor(case):
    _, rate, report = case
    floor = report["marginal_kl_floor"].value
    assert floor == pytest.approx(max(0, rate - D * LN2), abs=1e-6)
    assert report["marginal_kl"].value >= floor - 1e-9


def test_every_dimension_costs_the_same(case):
    _, rate, report = case
    assert [d.rate for d in report.dimensions] == pytest.approx([rate / D] * D, abs=1e-6)
    assert report["active_units"].value == D


def test_a_code_that_ignores_its_input_is_an_autodecoder():
    report = genprobe.evaluate(hypercube(0.0, 1.0), BITS)
    for name in ("mutual_information", "rate", "marginal_kl"):
        assert report[name].value == pytest.approx(0, abs=1e-6)
    assert report["distortion"].value == pytest.approx(D * LN2, abs=1e-5)
    assert (report.regime.label, report.regime.probability) == ("autodecoder", 1.0)
    assert report["active_units"].value == 0
    assert [w.code for w in report.warnings] == ["collapsed-dimensions"]


def values(report):
    return {name: estimate.value for name, estimate in report.estimates.items()}


@pytest.mark.parametrize("batch_size", [1, 100, 5000])
def test_results_do_not_depend_on_the_batch_size(batch_size):
    plain = genprobe.evaluate(hypercube(0.8, 0.6), BITS)
    batched = genprobe.evaluate(hypercube(0.8, 0.6), BITS, batch_size=batch_size)
    assert values(batched) == pytest.approx(values(plain), rel=1e-6)


def test_one_seed_gives_one_result():
    first, again, other = (
        genprobe.evaluate(hypercube(0.8, 0.6), BITS, seed=seed) for seed in (3, 3, 4)
    )
    assert first.estimates == again.estimates
    assert first.regime == again.regime
    assert first["distortion"].value != other["distortion"].value


@pytest.mark.parametrize("n", [1, 2, 3])
def test_very_few_examples_are_enough(n):
    report = genprobe.evaluate(hypercube(0.8, 0.6), BITS[:n])
    assert report["rate"].value == pytest.approx(rate(0.8, 0.6), abs=1e-6)
    assert 0 <= report["mutual_information"].value <= math.log(n)
    assert ("mutual_information_loo" in report.estimates) is (n > 1)


@pytest.mark.parametrize("most", [1, 2, 5, 1024, 2000, 3000, 10_000])
def test_max_queries_is_kept(most):
    report = genprobe.evaluate(hypercube(0.8, 0.6), BITS, max_queries=most, tolerance=1e-9)
    # Queries come in pairs while examples are left, then as one more draw of every example.
    pairs = math.ceil(most / 2)
    expected = 2 * pairs if pairs <= 2**D else most // 2**D * 2**D
    assert report.provenance["queries"] == expected
    assert report["mutual_information"].n == min(pairs, 2**D)


def test_grey_values_void_the_position():
    report = genprobe.evaluate(hypercube(0.8, 0.6), 0.2 + 0.6 * BITS)
    assert "bernoulli-on-grey" in [w.code for w in report.warnings]
    assert report.regime.by_position is None


def test_signs_in_place_of_bits_are_refused():
    with pytest.raises(genprobe.GenprobeError, match=r"\[0, 1\]"):
        genprobe.evaluate(hypercube(0.8, 0.6), 2 * BITS - 1)
