import torch

from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.estimators.marginal_kl_population_upper import marginal_kl_population_upper


def test_it_is_the_finite_marginal_kl_read_as_a_bound(make_queries):
    rate, log_qz = 5 + torch.randn(1, 50).double(), torch.randn(2, 20).double()
    entropy = torch.rand(2, 20).double()
    arguments = (rate, True, make_queries(50, log_qz + 1, log_qz, index_entropy=entropy))
    found, finite = marginal_kl_population_upper(*arguments), marginal_kl(*arguments)
    assert (found.value, found.se, found.se_data) == (finite.value, finite.se, finite.se_data)
    assert (found.kind, found.name) == ("upper", "marginal_kl_population_upper")
