"""What is lent to a user's code, which may change it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor


def lent(value: Any, to: Any = None) -> Any:
    """A copy of a tensor, of an array, or of a mapping of these; anything else as it is.

    Gradients flow through the copy of a tensor.  A function of genprobe's own changes nothing that
    it is given, so it gets the value itself: copies of large images cost a tenth of a run.

    Args:
        value: of genprobe's.
        to: the function that gets it.

    Example:
        >>> import torch
        >>> x = torch.ones(2)
        >>> lent({"x": x})["x"].zero_().tolist(), x.tolist()
        ([0.0, 0.0], [1.0, 1.0])
    """
    if str(getattr(to, "__module__", None)).startswith("genprobe."):
        return value
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Mapping):
        return {name: lent(each) for name, each in value.items()}
    return value
