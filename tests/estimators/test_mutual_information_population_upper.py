import math
from dataclasses import replace

import pytest
import torch

from genprobe.estimators.chosen_bound import choice_factor
from genprobe.estimators.mutual_information_loo import mutual_information_loo
from genprobe.estimators.mutual_information_population_upper import (
    mutual_information_population_upper,
)
from genprobe.estimators.rate import rate as rate_estimate

N = 50


@pytest.fixture
def queries(make_queries):
    """Queries of which leave-one-out gives so many nats: posteriors all apart."""

    def make(loo):
        zeros, noise = torch.zeros(2, 20, dtype=torch.float64), torch.randn(2, 20).double()
        left_out = zeros - loo + 0.1 * noise
        return make_queries(N, zeros, zeros - math.log(N), index_entropy=zeros, log_qz_loo=left_out)

    return make


@pytest.mark.parametrize(
    ("rate", "fitted", "loo", "least"), [(5, 4, 6, 4), (4, 5, 6, 4), (9, 8, 6, 6)]
)
def test_the_least_bound_is_taken_with_its_own_error(queries, rate, fitted, loo, least):
    rates, fits = (v + 0.1 * torch.randn(1, N).double() for v in (rate, fitted))
    given = queries(loo)
    found = mutual_information_population_upper(rates, True, given, fitted_rate=fits)
    assert found.value == pytest.approx(least, abs=0.1)
    assert found.kind == "upper"
    if least == loo:
        bound = mutual_information_loo(given)
        assert (found.value, found.se, found.n) == (bound.value, bound.se, bound.n)
    else:
        columns = rates if least == rate else fits
        assert found.value == pytest.approx(columns.mean().item())
        assert found.n == N


def test_a_bound_that_does_not_exist_is_passed_over(queries):
    rates, given = torch.full((1, N), 7.0).double(), queries(6)
    assert mutual_information_population_upper(rates, True, given).value < 6.2
    given = replace(given, log_qz_loo=given.log_qz_loo - math.inf)
    assert mutual_information_population_upper(rates, True, given).value == 7


def test_it_is_never_below_the_lower_end(queries):
    # Posteriors all apart: I(n;z) is log N, which a rate that errs may come out below.
    rates = torch.full((1, N), 3.0).double()
    found = mutual_information_population_upper(rates, True, queries(6))
    assert found.value == pytest.approx(math.log(N))


def test_of_two_that_might_be_the_least_the_error_is_widened(queries):
    rates = 4 + 0.1 * torch.randn(1, N).double()
    found = mutual_information_population_upper(rates, True, queries(9), fitted_rate=rates + 0.01)
    alone = rate_estimate(rates, True)
    assert found.value == alone.value
    assert found.se_data == pytest.approx(alone.se_data * choice_factor(2))
