"""What dear probes share: which examples they take, and derivatives by each example's own ε.

They take every so many-th example, the same ones however the run is cut.
"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

DRAWS = 4
EXAMPLES = 1024
"""About so many examples are enough for a mean to two digits."""


def subset(index: Int64[Tensor, " batch"], n: int) -> Int64[Tensor, " some"]:
    """Positions in a batch of the examples that are taken, of about 1024 evenly spread over n.

    Args:
        index: (batch,) positions of the examples in the data set.
        n: number of examples in the data set.
    """
    stride = max(1, n // EXAMPLES)
    return (index % stride == 0).nonzero().squeeze(1)


def spread_out(
    values: Float[Tensor, "draw some"], rows: Int64[Tensor, " some"], batch: int
) -> Float64[Tensor, "draw batch"]:
    """Values of some examples as a column over the whole batch, NaN for those not taken."""
    column = torch.full((len(values), batch), torch.nan, dtype=torch.float64)
    column[:, rows] = values.double()
    return column


def derivative(values: Tensor, epsilon: Tensor) -> Tensor:
    """Derivative of each value (batch,) with respect to its own ε (batch,); 0 without a path."""
    if not values.requires_grad:
        return torch.zeros_like(epsilon)
    (gradient,) = torch.autograd.grad(
        values.sum(), epsilon, retain_graph=True, materialize_grads=True
    )
    return gradient
