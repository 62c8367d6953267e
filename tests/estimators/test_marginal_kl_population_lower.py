import math
from dataclasses import replace

import pytest
import torch

from genprobe.errors import UnavailableError
from genprobe.estimators.marginal_kl_population_lower import marginal_kl_population_lower
from genprobe.estimators.mutual_information_loo import loo_data_error
from genprobe.estimators.standard_error import root_of_mean

N = 40


@pytest.fixture
def queries(make_queries):
    """Queries of which leave-one-out gives so many nats at each example.

    The posteriors are all the same, and I(n;z) is 0, or all apart, and it is log N.
    """

    def make(loo, index=None, apart=False):
        zeros = torch.zeros(2, N if index is None else len(index), dtype=torch.float64)
        entropy, log_qz = (zeros, zeros - math.log(N)) if apart else (zeros + math.log(N), zeros)
        return make_queries(N, zeros, log_qz, index, index_entropy=entropy, log_qz_loo=zeros - loo)

    return make


@pytest.mark.parametrize(
    ("fitted", "loo", "value"), [(4.0, 6.0, 1.0), (4.0, 3.0, 2.0), (6.0, 7.0, 0.0)]
)
def test_it_is_the_rate_less_the_best_other_bound_and_never_negative(queries, fitted, loo, value):
    rate = torch.full((1, N), 5.0).double()
    fits = torch.full((1, N), fitted).double()
    found = marginal_kl_population_lower(rate, True, queries(loo), fitted_rate=fits)
    assert found.value == pytest.approx(value)
    assert found.kind == "lower"


def test_rate_and_bound_are_paired_by_example(queries):
    # What an example costs and what leave-one-out gives of it vary together: so does no error.
    each = torch.randn(1, N).double()
    given = queries(4.0 + each)
    terms = given.log_qz_x - given.log_qz_loo
    assert loo_data_error(terms, 0.1, given, None, 6 + each[0]) == pytest.approx(0.1)
    assert marginal_kl_population_lower(6 + each, True, given).value == pytest.approx(2.0)
    apart = loo_data_error(terms, 0.1, given, None, 6 - each[0])
    assert apart > 1.5 * each.std().item() / math.sqrt(N)


def test_far_above_the_information_no_error_over_the_data_is_stated(queries):
    rate = 6 + torch.randn(1, N).double()
    found = marginal_kl_population_lower(rate, True, queries(4.0 + 0 * rate))
    assert found.se is not None
    assert found.se_data is None
    assert "data error" in found.remark


def test_either_bound_will_do_and_without_both_there_is_none(queries):
    rate, given = torch.full((1, N), 5.0).double(), queries(4.0)
    assert marginal_kl_population_lower(rate, True, given).value == pytest.approx(1)
    alone = replace(given, log_qz_loo=given.log_qz_loo - math.inf)
    assert marginal_kl_population_lower(rate, True, alone, fitted_rate=rate - 2).value == 2
    with pytest.raises(UnavailableError, match="Leave-one-out"):
        marginal_kl_population_lower(rate, True, alone)


def test_it_is_never_above_the_upper_end(queries):
    # I(n;z) is log N, and a fitted rate that errs may come out below it.
    rate = torch.full((1, N), 5.0).double()
    found = marginal_kl_population_lower(
        rate, True, queries(4.0, apart=True), fitted_rate=0.2 * rate
    )
    assert found.value == pytest.approx(5 - math.log(N))


def test_a_query_is_paired_with_what_its_own_example_costs(queries):
    each = torch.randn(1, N).double()
    index = torch.randperm(N)[:30]
    given = queries(4.0 + each[:, index], index)
    terms = given.log_qz_x - given.log_qz_loo
    assert loo_data_error(terms, 0.1, given, None, 6 + each[0, index]) == pytest.approx(0.1)


def test_a_rate_that_is_drawn_adds_its_own_error(queries):
    rate, given = 6 + torch.randn(4, N).double(), queries(4.0)
    known = marginal_kl_population_lower(6 + 0 * rate[:1], True, given)
    found = marginal_kl_population_lower(rate, False, given)
    own = root_of_mean(rate.var(0) / 4, 4)
    assert found.se == pytest.approx(math.hypot(known.se, own))


def test_a_bound_below_zero_is_zero_without_an_error_over_the_data(queries):
    # The term that is largest errs by hundreds of nats; 0 was never read off any data.
    rate = 5.0 + 300.0 * torch.randn(1, N).double()
    found = marginal_kl_population_lower(rate, True, queries(20.0), fitted_rate=rate + 400)
    assert (found.value, found.se, found.se_data, found.kind) == (0.0, 0.0, None, "lower")
    assert "cannot be negative" in found.remark
