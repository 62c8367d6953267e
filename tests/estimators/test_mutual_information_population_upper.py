import math

import pytest
import torch

from genprobe.estimators.mutual_information_population_upper import (
    mutual_information_population_upper,
)


@pytest.mark.parametrize(
    ("rate", "fitted", "loo", "least"), [(5, 4, 6, 4), (3, 4, 6, 3), (5, 4, 2, 2)]
)
def test_the_least_bound_is_taken_with_its_own_error(rate, fitted, loo, least):
    rates, fits = (v + torch.randn(1, 50).double() for v in (rate, fitted))
    terms = loo + torch.randn(2, 20).double()
    found = mutual_information_population_upper(rates, True, terms, 0 * terms, 50, fits)
    bounds = {rate: rates, fitted: fits, loo: terms}
    assert found.value == pytest.approx(bounds[least].mean().item())
    assert found.n == bounds[least].shape[1]
    assert found.kind == "upper"


def test_a_bound_that_does_not_exist_is_passed_over():
    rates, terms = torch.full((1, 4), 5.0).double(), torch.full((1, 3), 4.0).double()
    assert mutual_information_population_upper(rates, True, terms, 0 * terms, 4).value == 4
    alone = terms * math.inf
    assert mutual_information_population_upper(rates, True, alone, 0 * terms, 4).value == 5
