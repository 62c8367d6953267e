"""A histogram of class indices for each position of the grid: p(z) = Π_t π_t[z_t].

The counts of a position are smoothed towards those of all positions together.
"""

import torch

from genprobe.priors.token_counts import fit_tokens, token_factory
from genprobe.priors.token_tables import POSITION
from genprobe.types import Codes, Family, Params

NAME = "token-positions"


def fit(codes: Codes, size: int, seed: int) -> Params:
    """The tables, fitted to class indices."""
    return fit_tokens(codes, (POSITION,), seed)


def suits(family: Family, event_shape: torch.Size) -> bool:
    """Whether there is more than one position."""
    return event_shape.numel() > 1


token_positions = token_factory(NAME, fit, suits)
