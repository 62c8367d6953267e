import pytest
import torch

from genprobe.estimators.marginal_kl_floor import marginal_kl_floor
from genprobe.estimators.standard_error import interval_factor

RATE = torch.tensor([[1.0, 2.0, 6.0]], dtype=torch.float64)


def test_floor_is_what_the_rate_exceeds_log_n_by():
    found = marginal_kl_floor(RATE, True, 1.0)
    assert (found.value, found.kind, found.se) == (2.0, "lower", 0.0)
    assert found.se_data == pytest.approx((14 / 6) ** 0.5 * interval_factor(RATE[0]))


@pytest.mark.parametrize("log_n", [3.0, 10.0])
def test_floor_is_never_negative(log_n):
    found = marginal_kl_floor(RATE, True, log_n)
    assert (found.value, found.se, found.se_data) == (0.0, 0.0, None)
    assert "cannot be negative" in found.remark
