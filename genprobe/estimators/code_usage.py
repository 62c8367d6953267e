r"""Usage of the codebook: the share of its classes that any example uses.

.. math::

    \hat U / K, \qquad \mathrm{se}^2 = \hat U (1 - \hat U / \hat U_\infty) / K^2

Exact for these N. More examples use more classes, so the population is that of samples of N
examples; Û_∞ is the number of classes that would be used at last, by Chao's estimate (Colwell et
al. 2012, eq. 5). The report says besides how the number grows.
"""

import math

from genprobe.aggregate.tokens import Tokens
from genprobe.report import Estimate


def code_usage(tokens: Tokens) -> Estimate:
    """The share of the classes that are used.

    Args:
        tokens: of every example.

    Example:
        >>> import torch
        >>> fair = Tokens((torch.arange(8000) % 4).view(1000, 8).int(), 16, (8,))
        >>> code_usage(fair).value
        0.25
    """
    used = tokens.used
    left = used * (1 - used / (used + tokens.unseen))
    alone = len(tokens.index) < 2
    return Estimate(
        name="code_usage",
        value=used / tokens.classes,
        se=0.0,
        se_data=None if alone else math.sqrt(left) / tokens.classes,
        kind="exact",
        unit="share",
        n=len(tokens.index),
    )
