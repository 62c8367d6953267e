import math

import pytest
import torch
from torch.distributions import Categorical, Normal

from genprobe.aggregate.density import log_aggregate
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.testing import queries_from


def test_they_are_those_of_the_engine():
    loc = torch.linspace(-1, 1, 6, dtype=torch.float64)
    z = loc[:4] + 0.3 * torch.randn(2, 4, dtype=torch.float64)
    found = queries_from(Normal(loc, 0.3).log_prob(z[..., None]))
    params = {"loc": loc[:, None], "scale": torch.full((6, 1), 0.3).double()}
    own = torch.arange(4).repeat(2)
    truth = log_aggregate(z.flatten()[:, None], diagonal_normal, params, own=own)
    for name in ("log_qz", "log_qz_loo", "largest_share", "index_entropy"):
        each = getattr(truth, name).view(2, 4)
        torch.testing.assert_close(getattr(found, name), each, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.log_qz_x, Normal(loc[:4], 0.3).log_prob(z))
    assert (found.n, found.index.tolist()) == (6, [0, 1, 2, 3])


def test_what_has_no_density_has_no_share():
    found = queries_from(torch.eye(3, dtype=torch.float64).log()[None])
    assert not found.index_entropy.any()
    assert (found.log_qz_loo == -math.inf).all()


@pytest.mark.parametrize("examples", [1, 5])
def test_the_index_entropy_is_that_of_torch(examples):
    pairs = torch.randn(3, examples, examples, dtype=torch.float64)
    truth = Categorical(logits=pairs).entropy()
    torch.testing.assert_close(queries_from(pairs).index_entropy, truth)
