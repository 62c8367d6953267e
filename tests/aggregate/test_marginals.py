import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal
from torch.distributions.constraints import real

from genprobe.aggregate.marginals import log_marginals
from genprobe.errors import UnavailableError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.types import Family


@pytest.mark.parametrize("event", [(1,), (3,), (2, 2)])
@pytest.mark.parametrize("rows", [1, 7, 40])
def test_they_are_the_mixtures_of_each_dimension(event, rows):
    n, m = 40, 9
    loc, scale = torch.randn(n, *event), torch.rand(n, *event) * 2 + 1e-3
    z = torch.randn(m, *event)
    pieces = zip(range(0, n, rows), loc.split(rows), scale.split(rows), strict=True)
    blocks = [(start, {"loc": a, "scale": b}) for start, a, b in pieces]
    found = log_marginals(z, diagonal_normal, lambda: blocks, n)
    pairs = Normal(loc.double(), scale.double()).log_prob(z.double()[:, None])
    truth = pairs.logsumexp(1).flatten(1) - math.log(n)
    # Terms below e⁻⁶⁰ of the largest are cut off.
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-9)


def test_a_family_with_dependent_dimensions_has_none():
    family = Family(
        name="full",
        distribution=lambda p: MultivariateNormal(p["loc"], torch.eye(2).double()),
        constraints={"loc": real},
    )
    with pytest.raises(UnavailableError, match="does not factorise"):
        log_marginals(torch.zeros(1, 2), family, lambda: [(0, {"loc": torch.zeros(3, 2)})], 3)
