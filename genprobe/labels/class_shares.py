r"""Leave-one-out shares by class: a predictor of the label that needs no fit.

.. math::

    r_\varepsilon(y|z) = (1 - \varepsilon)
    \frac{\sum_{j \ne n, y_j = y} q(z|x_j)}{\sum_{j \ne n} q(z|x_j)} + \varepsilon \pi_y

The aggregate posterior of the other examples, with all copies of the example left out as well. Once
posteriors are apart a single near one decides, and is often wrong: so it is tempered with the
frequencies of the classes, by a few ε of which the other folds choose.
"""

from jaxtyping import Float64
from torch import Tensor

TEMPERS = (0.001, 0.01, 0.03, 0.1, 0.3)


def tempered(
    others: Float64[Tensor, "draw t c"], pi: Float64[Tensor, " c"], temper: float
) -> Float64[Tensor, "draw t c"]:
    """Values of r_ε(y|z).

    Args:
        others: (draw, t, c) q(y|z) without the example itself; 0 throughout where no other example
            has any density, and the frequencies alone stand.
        pi: (c,) frequencies of the classes.
        temper: ε.

    Example:
        >>> import torch
        >>> other = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]).double()
        >>> tempered(other, torch.tensor([0.5, 0.5]).double(), 0.1)
        tensor([[[0.9500, 0.0500],
                 [0.5000, 0.5000]]], dtype=torch.float64)
    """
    some = others.sum(-1, keepdim=True)
    return (1 - temper) * others + (1 - (1 - temper) * some) * pi
