import math

import pytest
import torch

from genprobe.errors import UnavailableError
from genprobe.estimators.marginal_kl_population_lower import marginal_kl_population_lower


@pytest.mark.parametrize(
    ("fitted", "loo", "value"), [(4.0, 6.0, 1.0), (4.0, 2.0, 3.0), (6.0, 7.0, 0.0)]
)
def test_it_is_the_rate_less_the_best_other_bound_and_never_negative(fitted, loo, value):
    rate = torch.full((1, 10), 5.0).double()
    terms = torch.full((2, 10), loo).double()
    found = marginal_kl_population_lower(
        rate, terms, 0 * terms, 10, torch.full((1, 10), fitted).double()
    )
    assert found.value == pytest.approx(value)
    assert found.kind == "lower"


def test_either_bound_will_do_and_without_both_there_is_none():
    rate, terms = torch.full((1, 4), 5.0).double(), torch.full((1, 3), 4.0).double()
    assert marginal_kl_population_lower(rate, terms, 0 * terms, 4).value == 1
    alone = terms * math.inf
    assert marginal_kl_population_lower(rate, alone, 0 * terms, 4, rate - 2).value == 2
    with pytest.raises(UnavailableError, match="Leave-one-out"):
        marginal_kl_population_lower(rate, alone, 0 * terms, 4)
