import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal
from torch.distributions.constraints import real

from genprobe.aggregate import marginals
from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.marginals import FEW, log_marginals
from genprobe.errors import UnavailableError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.types import Family


@pytest.mark.parametrize("event", [(1,), (3,), (2, 2)])
@pytest.mark.parametrize(("m", "limit"), [(9, 1e-9), (FEW, 1e-3)])
def test_they_are_the_mixtures_of_each_dimension(monkeypatch, event, m, limit):
    monkeypatch.setattr(marginals, "LEAST_PAIRS", 0)
    n = 40
    loc, scale = torch.randn(n, *event), torch.rand(n, *event) * 2 + 1e-3
    z = torch.randn(m, *event)
    found = log_marginals(z, diagonal_normal, in_memory({"loc": loc, "scale": scale}), n)
    pairs = Normal(loc.double(), scale.double()).log_prob(z.double()[:, None])
    truth = pairs.logsumexp(1).flatten(1) - math.log(n)
    # Terms below e⁻⁶⁰ of the largest are cut off; the engine promises a thousandth of a nat.
    torch.testing.assert_close(found, truth, rtol=0, atol=limit)


@pytest.mark.parametrize("held", [1, 100, 10**6])
def test_they_are_the_same_however_many_dimensions_are_held_at_a_time(monkeypatch, held):
    monkeypatch.setattr(marginals, "LEAST_PAIRS", 0)
    params = {"loc": torch.randn(30, 5), "scale": torch.rand(30, 5) + 0.1}
    own = torch.arange(FEW) % 30
    z = params["loc"][own] + params["scale"][own] * torch.randn(FEW, 5)
    whole = log_marginals(z, diagonal_normal, in_memory(params), 30, own)
    monkeypatch.setattr(marginals, "HELD_VALUES", held)
    assert torch.equal(log_marginals(z, diagonal_normal, in_memory(params), 30, own), whole)


def test_a_family_with_dependent_dimensions_has_none():
    family = Family(
        name="full",
        distribution=lambda p: MultivariateNormal(p["loc"], torch.eye(2).double()),
        constraints={"loc": real},
    )
    with pytest.raises(UnavailableError, match="does not factorise"):
        log_marginals(torch.zeros(1, 2), family, in_memory({"loc": torch.zeros(3, 2)}), 3)
