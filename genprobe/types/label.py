"""A label: what is known of each example besides its data, such as a class or a batch."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Label:
    """A value of each example, out of a few.

    Attributes:
        name: what tables call it.
        values: (N,) int64, the position in ``classes`` of each example's; −1 where it is missing.
        classes: the values that occur, as text, in their order.
    """

    name: str
    values: np.ndarray
    classes: tuple[str, ...]
