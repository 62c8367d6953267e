"""One histogram of class indices for all places of the grid: p(z) = Π_t π[z_t].

What codes cost a generator that knows how often each is used, and nothing of their places.
"""

from functools import partial

from genprobe.priors.token_counts import fit_tokens, token_prior
from genprobe.types import Codes, Params, PriorFactory

NAME = "token-histogram"


def fit(codes: Codes, size: int, seed: int) -> Params:
    """The counts, fitted to class indices."""
    return fit_tokens(codes, (), seed)


token_histogram = PriorFactory(
    name=NAME, build=partial(token_prior, NAME), fit=fit, discrete=True, concurrent=True
)
