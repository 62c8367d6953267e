import torch
from torch.distributions import constraints

from genprobe.priors.token_positions import token_positions
from genprobe.testing import PriorTests
from genprobe.types import Codes

INDEX = torch.randint(3, (40, 4), generator=torch.Generator().manual_seed(0)).double()
FITTED = Codes(
    mean=INDEX,
    variance=torch.zeros_like(INDEX),
    event_shape=torch.Size([2, 2]),
    classes=3,
    levels=False,
)


class TestTokenPositions(PriorTests):
    part = token_positions
    event_shape = (2, 2)
    params = token_positions.fit(FITTED, 1, 0)
    support = constraints.integer_interval(0, 2)
