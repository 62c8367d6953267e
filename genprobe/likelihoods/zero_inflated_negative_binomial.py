"""Negative binomial counts with more zeros: the likelihood of single-cell counts.

A gate of its own logits on top of ``negative-binomial``; Lopez et al. (2018), "Deep generative
modeling for single-cell transcriptomics". It has no blind distortion, as the base has none.
"""

from torch import Tensor
from torch.distributions import Distribution

from genprobe.errors import Notice
from genprobe.likelihoods.negative_binomial import negative_binomial_of
from genprobe.likelihoods.parameters import one_example
from genprobe.likelihoods.support import require_counts
from genprobe.likelihoods.zero_inflated import gated
from genprobe.types import Likelihood, Params

NAME = "zero-inflated-negative-binomial"


def distribution(params: Params) -> Distribution:
    """``gate_logits`` and the parameters of ``negative-binomial`` to p(x|z)."""
    return one_example(gated(NAME, negative_binomial_of(NAME, params), params))


def support(x: Tensor) -> Notice | None:
    """None for counts (batch, *event).

    Raises:
        SupportError: naming the first example with a value that is not one.
    """
    require_counts(NAME, x, "Give the counts themselves, not normalised or logged.")
    return None


zero_inflated_negative_binomial = Likelihood(
    name=NAME, distribution=distribution, discrete=True, support=support
)
