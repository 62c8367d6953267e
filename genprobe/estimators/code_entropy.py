r"""Entropy of the codes of all places together: how many nats a token carries at most.

.. math::

    \hat H = -\sum_k \hat p_k \log \hat p_k + \frac{\hat K - 1}{2 N_{\text{tokens}}}

the plug-in estimate with Miller and Madow's correction (Miller 1955), K̂ the classes that are used.
It is an estimate of the population's. The plug-in part is the mean over examples of −log p̂ at
their tokens, so its error over the data is that of a mean, clustered by example: the places of one
example are not independent. Nothing is drawn, so there is no Monte Carlo error.
"""

import math

from jaxtyping import Int64
from torch import Tensor

from genprobe.aggregate.tokens import Tokens
from genprobe.estimators.standard_error import data_error
from genprobe.report import Estimate


def code_entropy(tokens: Tokens, which: Int64[Tensor, " n"] | None = None) -> Estimate:
    """The entropy of the pooled histogram of codes, nats a token.

    Args:
        tokens: of every example.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> fair = Tokens((torch.arange(8000) % 4).view(1000, 8).int(), 4, (8,))
        >>> round(code_entropy(fair).value, 4)  # log 4
        1.3863
    """
    each = tokens.surprise
    correction = (tokens.used - 1) / (2 * tokens.index.numel())
    return Estimate(
        name="code_entropy",
        value=min(float(each.mean()) + correction, math.log(tokens.classes)),
        se=0.0,
        se_data=data_error(each[None], which),
        kind="estimate",
        n=len(each),
    )
