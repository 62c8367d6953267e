"""Class indices given their neighbours to the left and above, and in a stack the level before.

p(z) = Π_t p(z_t | left, above) in raster order, by counts that back off: both neighbours at once,
then a mixture of each neighbour and of the position alone, then the histogram. What it saves over
the histogram is what a generator that looks around can save at least.
"""

import torch

from genprobe.priors.token_counts import fit_tokens, token_factory
from genprobe.priors.token_tables import ABOVE, AROUND, BEFORE, LEFT, POSITION
from genprobe.types import Codes, Family, Params

NAME = "token-context"


def fit(codes: Codes, size: int, seed: int) -> Params:
    """The tables, fitted to class indices."""
    return fit_tokens(codes, (POSITION, LEFT, ABOVE, BEFORE, AROUND), seed)


def suits(family: Family, event_shape: torch.Size) -> bool:
    """Whether a token has neighbours."""
    return event_shape.numel() > 1


token_context = token_factory(NAME, fit, suits)
