"""What expensive probes share: which examples they take, and derivatives by each example's own ε.

They take every so many-th example, the same ones however the run is cut.
"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

DRAWS = 4
EXAMPLES = 1024
"""About so many examples are enough for a mean to two digits."""
LARGE = 1 << 10
FEWEST = 128
"""Where z has more values than LARGE fewer are taken, but these at least: what is probed is a sum
over values, so one such example says as much as many small ones, and costs as much."""


def subset(index: Int64[Tensor, " batch"], n: int, values: int) -> Int64[Tensor, " some"]:
    """Positions in a batch of the examples that are taken, of about 1024 evenly spread over n.

    Args:
        index: (batch,) positions of the examples in the data set.
        n: number of examples in the data set.
        values: of one z.
    """
    wanted = max(FEWEST, min(EXAMPLES, EXAMPLES * LARGE // max(1, values)))
    stride = max(1, n // wanted)
    return (index % stride == 0).nonzero().squeeze(1)


def at_least_one(rows: Int64[Tensor, " some"]) -> Int64[Tensor, " one_or_more"]:
    """The same positions, or the first of the batch where there are none.

    A batch without an example to take must have columns of the same shape as others, and neither
    models nor distributions can be asked about no rows; ``spread_out`` drops the answer.

    Args:
        rows: positions in a batch.

    >>> at_least_one(torch.tensor([3, 7])), at_least_one(torch.tensor([], dtype=torch.int64))
    (tensor([3, 7]), tensor([0]))
    """
    return rows if len(rows) else rows.new_zeros(1)


def spread_out(
    values: Float[Tensor, "draw one_or_more"], rows: Int64[Tensor, " some"], batch: int
) -> Float64[Tensor, "draw batch"]:
    """Values of some examples as a column over the whole batch, NaN for those not taken.

    Args:
        values: of the examples ``at_least_one(rows)``.
        rows: positions in the batch of those that are taken.
        batch: number of examples in it.

    >>> spread_out(torch.tensor([[1.0]]), torch.tensor([1]), 3)
    tensor([[nan, 1., nan]], dtype=torch.float64)
    """
    column = torch.full((len(values), batch), torch.nan, dtype=torch.float64)
    column[:, rows] = values[:, : len(rows)].double()
    return column


def derivative(values: Tensor, epsilon: Tensor) -> Tensor:
    """Derivative of each value (batch,) with respect to its own ε (batch,); 0 without a path."""
    if not values.requires_grad:
        return torch.zeros_like(epsilon)
    (gradient,) = torch.autograd.grad(
        values.sum(), epsilon, retain_graph=True, materialize_grads=True
    )
    return gradient
