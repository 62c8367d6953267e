"""What is compared in the benchmarks computes the same thing."""

import pytest
import torch

from benchmarks import __main__ as page
from benchmarks import methods


@pytest.mark.parametrize(
    "method",
    [
        methods.broadcast,
        methods.mixture_same_family,
        methods.matmul_logsumexp,
        methods.flash_attention,
        methods.engine,
    ],
    ids=lambda method: method.__name__,
)
def test_every_method_gives_the_log_density_of_the_mixture(method):
    loc, scale, z = torch.randn(300, 6), 0.5 + torch.rand(300, 6), torch.randn(40, 6)
    pairs = torch.distributions.Normal(loc.double(), scale.double()).log_prob(z.double()[:, None])
    truth = pairs.sum(2).logsumexp(1) - torch.tensor(300.0).double().log()
    torch.testing.assert_close(method(z, loc, scale).double(), truth, atol=1e-4, rtol=0)


def test_a_ratio_that_got_worse_is_named():
    known = {"engine / floor": 2.0, "pruned / dense": 0.1}
    assert page.check({"engine / floor": 2.5, "pruned / dense": 0.1}, known) == []
    (told,) = page.check({"engine / floor": 3.5, "pruned / dense": 0.1}, known)
    assert told == "engine / floor: 3.50, was 2.00"


def test_ratios_are_of_the_quicker_engine():
    row = {"floor": 1.0, "engine": 2.0, "engine, compiled": 1.5, "KeOps": 15.0}
    found = page.with_ratio(row)
    assert (found["engine / floor"], found["compiled / floor"]) == (2.0, 1.5)
    assert found["KeOps / engine"] == 10.0
