"""Class indices of a residual stack, each given that of the level before it at the same place.

p(z) = Π_l Π_s p(z_ls | z_l−1,s), with a table of counts for each level; the first level has its
histogram. It says what the levels share.
"""

from functools import partial

import torch

from genprobe.priors.token_counts import fit_tokens, token_prior
from genprobe.priors.token_tables import BEFORE
from genprobe.types import Codes, Family, Params, PriorFactory

NAME = "token-levels"


def fit(codes: Codes, size: int, seed: int) -> Params:
    """The tables, fitted to class indices."""
    return fit_tokens(codes, (BEFORE,), seed)


def suits(family: Family, event_shape: torch.Size) -> bool:
    """Whether the codes are of several levels."""
    return family.levels and len(event_shape) > 0 and event_shape[0] > 1


token_levels = PriorFactory(
    name=NAME,
    build=partial(token_prior, NAME),
    fit=fit,
    suits=suits,
    discrete=True,
    concurrent=True,
)
