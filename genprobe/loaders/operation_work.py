"""How much work an operation is, from the shapes of its arguments and results.

In multiplications. What is done to each element of a tensor counts as 1024 of them, so that memory
and slow functions (a digamma takes 50 ns) are accounted for too.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

ELEMENT = 1 << 10


def work_of(function: Any, arguments: Mapping[str, Any], results: Sequence[Tensor]) -> int:
    """The work of an operation, as an upper bound.

    Args:
        function: an operation.
        arguments: its arguments by name, on any device.
        results: what it returned.

    >>> import torch
    >>> x, weight = torch.ones(5, 6), torch.ones(6, 7)
    >>> work_of(torch.ops.aten.mm.default, {"self": x, "mat2": weight}, [x @ weight]) - 5 * 6 * 7
    109568
    """
    given = [item for value in arguments.values() for item in listed(value)]
    touched = sum(t.numel() for t in given if isinstance(t, Tensor))
    made = sum(t.numel() for t in results)
    factor = FACTORS.get(function._opname, one)(arguments)
    return ELEMENT * (touched + made) + factor * (results[0].numel() if results else 0)


def listed(value: Any) -> Sequence[Any]:
    """A value, or the items of a list."""
    return value if isinstance(value, list | tuple) else [value]


def one(arguments: Mapping[str, Any]) -> int:
    """An operation that does as much to each element whatever the shapes are."""
    return 1


def inner(name: str) -> Callable[[Mapping[str, Any]], int]:
    """The length of the sums of a matrix product whose left factor has that name."""
    return lambda arguments: int(arguments[name].shape[-1])


def kernel(arguments: Mapping[str, Any]) -> int:
    """The length of the sums of a convolution, transposed or not."""
    weight, x = arguments["weight"], arguments["input"]
    return int(math.prod(weight.shape[2:]) * max([*weight.shape[:2], *x.shape[1:2]]))


def window(arguments: Mapping[str, Any]) -> int:
    """The most elements under a window of a pooling."""
    x, sizes = arguments["self"], arguments["kernel_size"]
    spatial = math.prod(x.shape[2:]) or 1
    size = math.prod(sizes) ** (len(x.shape[2:]) if len(sizes) == 1 else 1)
    return int(ELEMENT * min(spatial, size))


def longest(arguments: Mapping[str, Any]) -> int:
    """A decomposition: of the third power of the length of a matrix, some times over."""
    tensors = [t for t in arguments.values() if isinstance(t, Tensor)]
    return 64 * max((int(n) for t in tensors for n in t.shape), default=1)


def under_all(arguments: Mapping[str, Any]) -> int:
    """All that may lie under the windows of an adaptive pooling."""
    return int(ELEMENT * math.prod(arguments["self"].shape[2:]))


DECOMPOSITIONS = """
    _linalg_det _linalg_eigh _linalg_slogdet _linalg_solve_ex _linalg_svd cholesky cholesky_solve
    linalg_cholesky_ex linalg_eig linalg_householder_product linalg_inv_ex linalg_ldl_factor_ex
    linalg_lu linalg_lu_factor_ex linalg_lu_solve linalg_matrix_exp linalg_pinv linalg_qr
    linalg_solve_triangular triangular_solve _cdist_forward _euclidean_dist
"""
MATRICES = {"mm": "self", "bmm": "self", "mv": "self", "dot": "self", "vdot": "self"}
SUMS = {"addmm": "mat1", "addmv": "mat", "baddbmm": "batch1", "addbmm": "batch1"}
POOLINGS = [f"{kind}_pool{n}d" for kind in ("avg", "max") for n in (1, 2, 3)]
ADAPTIVE = ("_adaptive_avg", "adaptive_avg", "adaptive_max")
FACTORS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    **{name: inner(left) for name, left in (MATRICES | SUMS).items()},
    **dict.fromkeys(("convolution", "_convolution"), kernel),
    **dict.fromkeys((*POOLINGS, *(f"{name}_with_indices" for name in POOLINGS)), window),
    **dict.fromkeys(DECOMPOSITIONS.split(), longest),
    **{f"{kind}_pool{n}d": under_all for kind in ADAPTIVE for n in (1, 2, 3)},
}
"""Multiplications for each element of the first result."""
