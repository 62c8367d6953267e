import math

import pytest
import torch

from genprobe.estimators.control_variates import prepared
from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.standard_error import interval_factor, root_of_mean


@pytest.mark.parametrize("controlled", [False, True])
def test_marginal_kl_is_rate_minus_information(numbers, make_queries, controlled):
    rate, log_qz_x, log_qz = numbers(1, 30).exp(), numbers(2, 20) + 1, numbers(2, 20)
    entropy = numbers(2, 20).exp()
    controls = prepared(numbers(2, 20, 3)) if controlled else None
    index = torch.randperm(30)[:20]
    queries = make_queries(30, log_qz_x, log_qz, index, index_entropy=entropy)
    found = marginal_kl(rate, True, queries, controls)
    information = mutual_information(queries, controls)
    assert information.value > 0
    assert found.value == pytest.approx(rate.mean().item() - information.value, abs=1e-12)
    assert found.se == pytest.approx(information.se)


def test_se_data_pairs_rate_and_information_by_example(numbers, make_queries):
    rate, noise = 5 * numbers(1, 30), numbers(30)
    index = torch.randperm(30)
    log_qz_x = (rate[0, index] + noise).expand(2, 30)
    log_qz = torch.full_like(log_qz_x, 100.0)  # far above, so that no term meets the cap at log n
    entropy = torch.ones_like(log_qz)
    queries = make_queries(30, log_qz_x, log_qz, index, index_entropy=entropy)
    found = marginal_kl(rate, True, queries)
    of_examples = noise.std().item() / math.sqrt(30) * interval_factor(noise)
    assert found.se_data == pytest.approx(math.hypot(of_examples, found.se))


def test_a_monte_carlo_rate_adds_its_error(numbers, make_queries):
    rate, log_qz_x, log_qz = numbers(5, 30), numbers(2, 30), numbers(2, 30)
    entropy = 1 + numbers(2, 30).sigmoid()
    queries = make_queries(30, log_qz_x, log_qz, index_entropy=entropy)
    found = marginal_kl(rate, False, queries)
    of_rate = root_of_mean(rate.var(0) / 5, 5)
    information = mutual_information(queries)
    assert found.se == pytest.approx(math.hypot(of_rate, information.se))
