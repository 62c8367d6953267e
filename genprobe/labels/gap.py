r"""The mutual information gap of a label: how far one dimension is ahead of all others.

.. math::

    \mathrm{MIG} = \frac{I(y;z_{(1)}) - I(y;z_{(2)})}{H(y)}

Of Chen et al. 2018 ("Isolating sources of disentanglement in VAEs"), with each I(y;z_j) between the
figure for these N, which is too large for the population by about as much as the leave-one-out
bound is too small, and that bound: their mean. The error is that of the paired difference of what
each example adds to the two dimensions, widened where a third might have been among them.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.chosen_bound import RIVAL, choice_factor
from genprobe.estimators.standard_error import data_error, within_error
from genprobe.report.estimate import Estimate


def label_gap(
    terms: Sequence[Float64[Tensor, "draw t"]],
    entropy: float,
    n: int,
    which: Int64[Tensor, " t"] | None = None,
) -> Estimate:
    """The gap, a share of H(y).

    Args:
        terms: of at least two dimensions, what each draw of an example adds to I(y;z_j), nats.
        entropy: H(y), nats.
        n: number of examples that have the label.
        which: (t,) the distinct example that each is; None where all differ.

    Example:
        >>> ahead, behind = torch.full((2, 50), 0.6).double(), torch.full((2, 50), 0.1).double()
        >>> round(label_gap([behind, ahead], 1.0, 50).value, 6)
        0.5
    """
    means = torch.stack([each.mean() for each in terms])
    first, second = means.topk(2).indices.tolist()
    difference = (terms[first] - terms[second]) / entropy
    error = data_error(difference, which) or 0.0
    rivals = sum(
        bool(means[second] - means[j] <= RIVAL * (data_error(terms[second] - each, which) or 0.0))
        for j, each in enumerate(terms)
        if j != first
    )
    factor = choice_factor(rivals)
    # Errors are of the t examples that were queried, of n.
    share = math.sqrt(difference.shape[1] / n)
    se = within_error(difference, n)
    sampled = math.hypot(error * share, se or 0.0)
    return Estimate(
        name="label_gap",
        value=max(0.0, float(difference.mean())),
        se=None if se is None else se * factor,
        se_data=sampled * factor,
        kind="estimate",
        unit="share",
        n=difference.shape[1],
    )
