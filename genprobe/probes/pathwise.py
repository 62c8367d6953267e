"""What the slopes share: how many draws they take, and derivatives by each example's own ε."""

import torch
from torch import Tensor

DRAWS = 4


def derivative(values: Tensor, epsilon: Tensor) -> Tensor:
    """Derivative of each value (batch,) with respect to its own ε (batch,); 0 without a path.

    >>> epsilon = torch.tensor([1.0, 3.0], requires_grad=True)
    >>> derivative(epsilon.square(), epsilon)
    tensor([2., 6.])
    """
    if not values.requires_grad:
        return torch.zeros_like(epsilon)
    (gradient,) = torch.autograd.grad(
        values.sum(), epsilon, retain_graph=True, materialize_grads=True
    )
    return gradient
