"""One histogram of class indices for all places of the grid: p(z) = Π_t π[z_t].

What codes cost a generator that knows how often each is used, and nothing of their places.
"""

from genprobe.priors.token_counts import fit_tokens, token_factory
from genprobe.types import Codes, Params

NAME = "token-histogram"


def fit(codes: Codes, size: int, seed: int) -> Params:
    """The counts, fitted to class indices."""
    return fit_tokens(codes, (), seed)


token_histogram = token_factory(NAME, fit)
