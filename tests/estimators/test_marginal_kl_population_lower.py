import pytest
import torch

from genprobe.estimators.marginal_kl_population_lower import marginal_kl_population_lower


@pytest.mark.parametrize(
    ("fitted", "loo", "value"), [(4.0, 6.0, 1.0), (4.0, 2.0, 3.0), (6.0, 7.0, 0.0)]
)
def test_it_is_the_rate_less_the_best_other_bound_and_never_negative(fitted, loo, value):
    rate = torch.full((1, 10), 5.0).double()
    terms = torch.full((2, 10), loo).double()
    found = marginal_kl_population_lower(
        rate, torch.full((1, 10), fitted).double(), terms, 0 * terms, 10
    )
    assert found.value == pytest.approx(value)
    assert found.kind == "lower"
