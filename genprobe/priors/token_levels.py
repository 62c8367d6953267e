"""Class indices of a residual stack, each given that of the level before it at the same place.

p(z) = Π_l Π_s p(z_ls | z_l−1,s), with a table of counts for each level; the first level has its
histogram. It says what the levels share.
"""

import torch

from genprobe.priors.token_counts import fit_tokens, token_factory
from genprobe.priors.token_tables import BEFORE
from genprobe.types import Codes, Family, Params

NAME = "token-levels"


def fit(codes: Codes, size: int, seed: int) -> Params:
    """The tables, fitted to class indices."""
    return fit_tokens(codes, (BEFORE,), seed)


def suits(family: Family, event_shape: torch.Size) -> bool:
    """Whether the codes are of several levels."""
    return family.levels and len(event_shape) > 0 and event_shape[0] > 1


token_levels = token_factory(NAME, fit, suits)
