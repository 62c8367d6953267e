"""Examples that are equal count once: the cap, leave-one-out, folds and errors over the data.

The truth is the report of the distinct examples alone, where all are repeated alike.
"""

import math

import pytest
import torch

import genprobe
from genprobe.estimators.slope import slope

DISTINCT = 200
X = torch.randn(DISTINCT, 2, generator=torch.Generator().manual_seed(5))


def model(name="m", pull=0.8):
    return genprobe.Model(
        name=name,
        encode=lambda x: {"loc": pull * x, "scale": 0.3 + 0 * x},
        decode=lambda z: {"loc": z, "scale": 0.5 + 0 * z},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    # So many draws of each that what is drawn errs alike.
    data = {"once": (X, 8), "fourfold": (X.repeat(4, 1), 2)}
    return {
        name: [
            genprobe.evaluate(
                model(label, pull),
                x,
                store=folder / f"{name}-{label}.h5",
                draws=draws,
                bin_width=0.1,
            )
            for label, pull in (("a", 0.8), ("b", 0.5))
        ]
        for name, (x, draws) in data.items()
    }


def test_the_cap_is_the_entropy_of_the_distinct_examples(reports):
    many = reports["fourfold"][0]
    assert many["log_n"].value == pytest.approx(math.log(DISTINCT))
    assert many.provenance["distinct_examples"] == DISTINCT
    assert [w.code for w in many.warnings].count("duplicates") == 1
    assert "duplicates" not in [w.code for w in reports["once"][0].warnings]


@pytest.mark.parametrize(
    "name", ["mutual_information", "mutual_information_loo", "marginal_kl", "rate_fitted_prior"]
)
def test_the_estimates_are_those_of_the_distinct_examples(reports, name):
    once, many = reports["once"][0][name], reports["fourfold"][0][name]
    # Folds and draws are others: those of the fitted prior move it by a few hundredths.
    slack = 0.05 if name == "rate_fitted_prior" else 0.0
    assert abs(many.value - once.value) < 4 * math.hypot(once.se, many.se) + slack


@pytest.mark.parametrize(
    "name", ["rate", "distortion", "elbo", "mutual_information", "marginal_kl"]
)
def test_copies_do_not_make_an_error_over_the_data_smaller(reports, name):
    once, many = reports["once"][0][name], reports["fourfold"][0][name]
    # Closed forms alike to the last digit.
    loss = 1e-6 if name == "rate" else 0.25
    assert many.se_data == pytest.approx(once.se_data, rel=loss)


def test_a_slope_of_copies_errs_as_that_of_the_distinct_examples():
    rate, which = torch.rand(1, 60).double(), torch.arange(60).repeat(4)
    change, answer = -1 - torch.rand(1, 60).double(), torch.rand(1, 60).double()
    once = slope(rate, change, answer, n=60)
    many = slope(*(values.repeat(1, 4) for values in (rate, change, answer)), 240, which)
    assert many.se_data == pytest.approx(once.se_data)


def test_copies_do_not_make_a_difference_surer(reports):
    once = genprobe.compare(reports["once"]).differences
    many = genprobe.compare(reports["fourfold"]).differences
    for one, other in zip(once, many, strict=True):
        assert other.se_data == pytest.approx(one.se_data, rel=0.25), one.name


def test_the_regime_is_as_unsure_as_the_distinct_examples_make_it(reports):
    few = genprobe.evaluate(model(), X[:20].repeat(10, 1), bin_width=0.1)
    assert few.n == 200
    assert few.regime.label == "undetermined"
    assert few["rate"].se_data is None
    assert "few-examples" in [w.code for w in few.warnings]


def test_copies_of_unequal_number_weigh_as_they_are(tmp_path):
    # Code and x are jointly normal given which example: the sum over all pairs is the truth.
    counts = torch.randint(1, 9, (60,), generator=torch.Generator().manual_seed(8))
    which = torch.repeat_interleave(torch.arange(60), counts)
    found = genprobe.evaluate(model(), X[:60][which], tolerance=0.004)
    shares = counts.double() / counts.sum()
    grid = torch.linspace(-4, 4, 161).double()
    z = torch.cartesian_prod(grid, grid)
    q = torch.distributions.Normal(0.8 * X[:60].double()[:, None], 0.3)
    density = q.log_prob(z).sum(2).exp()
    mixture = shares @ density
    information = (shares[:, None] * density * (density / mixture).log().nan_to_num(0)).sum()
    value = float(information) * float(grid[1] - grid[0]) ** 2
    assert abs(found["mutual_information"].value - value) < 4 * found["mutual_information"].se
    assert found["log_n"].value == pytest.approx(float(torch.special.entr(shares).sum()))


def test_all_examples_equal_have_nothing_to_tell(tmp_path):
    found = genprobe.evaluate(model(), X[:1].repeat(40, 1))
    assert found["mutual_information"].value == 0
    assert found["log_n"].value == 0
    assert "mutual_information_loo" not in found.estimates
    assert "rate_fitted_prior" not in found.estimates
