"""The orthonormal cosine transform (DCT-II) of values on a grid, and what it makes of variances.

It is a matrix product along each axis, so that gradients pass through it.
"""

from functools import cache

import numpy as np
import scipy.fft
import torch
from torch import Tensor

LONGEST = 2048
"""Positions along an axis of which the transform is a matrix that is held."""


@cache
def basis(length: int) -> Tensor:
    """The matrix (frequency, position) of the transform along one axis, float64.

    Example:
        >>> (basis(2) @ torch.ones(2).double()).float().round(decimals=4)
        tensor([1.4142, 0.0000])
    """
    return torch.from_numpy(scipy.fft.dct(np.eye(length), axis=0, norm="ortho"))


def transform(values: Tensor, axes: int) -> Tensor:
    """Coefficients of values (…, *grid) by frequency, in the same shape.

    Args:
        values: float64.
        axes: how many of the last axes are the grid, one or two.

    Example:
        The sum of squares stays, and what is the same everywhere is of frequency 0.

        >>> transform(torch.ones(2, 2).double(), 2)[0, 0].float()
        tensor(2.)
    """
    return along_axes(values, [basis(length) for length in values.shape[values.dim() - axes :]])


def inverse(waves: Tensor, axes: int) -> Tensor:
    """Values on a grid from their coefficients.

    Args:
        waves: (…, *grid) by frequency, float64.
        axes: how many of the last axes are the grid.

    Example:
        >>> inverse(transform(torch.eye(3).double(), 2), 2).float().diagonal()
        tensor([1., 1., 1.])
    """
    return along_axes(waves, [basis(length).T for length in waves.shape[waves.dim() - axes :]])


def of_variances(variances: Tensor, axes: int) -> Tensor:
    """Variances of the coefficients of independent values.

    Args:
        variances: (…, *grid) of the values, float64.
        axes: how many of the last axes are the grid.

    Example:
        >>> of_variances(torch.ones(4).double(), 1).float()
        tensor([1., 1., 1., 1.])
    """
    squares = [basis(length).square() for length in variances.shape[variances.dim() - axes :]]
    return along_axes(variances, squares)


def along_axes(values: Tensor, matrices: list[Tensor]) -> Tensor:
    """Values (…, *grid) multiplied by a matrix along each axis of the grid."""
    for axis, matrix in enumerate(reversed(matrices), 1):
        values = (values.transpose(-1, -axis) @ matrix.T).transpose(-1, -axis)
    return values
