r"""Perplexity of the codes: how many classes, all used alike, would have their entropy.

.. math::

    \exp \hat H

of the population's entropy, with the error of the entropy carried over (delta method).
"""

import math

from jaxtyping import Int64
from torch import Tensor

from genprobe.aggregate.tokens import Tokens
from genprobe.estimators.code_entropy import code_entropy
from genprobe.report import Estimate


def code_perplexity(tokens: Tokens, which: Int64[Tensor, " n"] | None = None) -> Estimate:
    """The perplexity of the pooled histogram of codes, classes.

    Args:
        tokens: of every example.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> fair = Tokens((torch.arange(8000) % 4).view(1000, 8).int(), 4, (8,))
        >>> round(code_perplexity(fair).value, 3)
        4.0
    """
    entropy = code_entropy(tokens, which)
    value = math.exp(entropy.value)
    error = entropy.se_data
    return Estimate(
        name="code_perplexity",
        value=value,
        se=0.0,
        se_data=None if error is None else value * error,
        kind="estimate",
        unit="classes",
        n=entropy.n,
    )
