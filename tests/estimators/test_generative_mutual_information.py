import pytest
import torch

from genprobe.errors import UnavailableError
from genprobe.estimators.generative_mutual_information import generative_mutual_information
from genprobe.estimators.standard_error import interval_factor


def test_it_is_a_mean_with_its_error_and_a_lower_bound():
    values = torch.tensor([[1.0, 2.0, 6.0]]).double()
    found = generative_mutual_information(values)
    assert found.value == 3.0
    assert found.se == pytest.approx(values.std().item() / 3**0.5 * interval_factor(values[0]))
    assert (found.kind, found.n) == ("lower", 3)


def test_certain_posteriors_have_none():
    values, certain = torch.tensor([[0.0, -1e4]]).double(), torch.zeros(5).double()
    with pytest.raises(UnavailableError, match="certain"):
        generative_mutual_information(values, certain)
    assert generative_mutual_information(values + 1e4, certain + 0.1).value == 5000


def test_a_code_that_a_bounded_posterior_rules_out_leaves_none():
    values = torch.tensor([[1.0, -torch.inf, 2.0, -torch.inf]]).double()
    with pytest.raises(UnavailableError, match="minus infinity, as 2 of 4 codes"):
        generative_mutual_information(values)
