import pytest
import torch

from genprobe.estimators.prior_saving import prior_saving
from genprobe.estimators.standard_error import interval_factor


def test_it_is_the_paired_difference_with_the_error_of_the_pairs():
    rate = 10 + 3 * torch.randn(1, 400).double()
    saved = 0.5 + 0.1 * torch.randn(2, 400).double()
    found = prior_saving(rate, rate - saved)
    assert found.value == pytest.approx(saved.mean().item())
    error = saved.mean(0).std().item() / 20
    assert found.se_data == pytest.approx(error * interval_factor(saved.mean(0)))
