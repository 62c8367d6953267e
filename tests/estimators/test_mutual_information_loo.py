import math

import pytest
import torch

from genprobe.errors import UnavailableError
from genprobe.estimators.mutual_information_loo import mutual_information_loo


def test_leave_one_out_is_the_mean_difference(numbers):
    log_qz_x, log_qz_loo = numbers(2, 2, 100)
    terms = log_qz_x - log_qz_loo
    found = mutual_information_loo(log_qz_x, log_qz_loo, 100)
    assert (found.kind, found.value) == ("upper", pytest.approx(terms.mean().item()))
    assert found.se == pytest.approx(math.sqrt(terms.var(0).mean().item() / 200))
    assert found.se_data == pytest.approx(terms.mean(0).std().item() / 10)


@pytest.mark.parametrize(("n", "value"), [(1, 0.0), (100, -math.inf), (100, math.nan)])
def test_without_others_it_is_unavailable(numbers, n, value):
    log_qz_loo = torch.full((2, n), value, dtype=torch.float64)
    with pytest.raises(UnavailableError, match="Leave-one-out"):
        mutual_information_loo(numbers(2, n), log_qz_loo, n)
