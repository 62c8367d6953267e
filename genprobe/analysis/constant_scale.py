"""Posteriors whose scale is the same for every example."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genprobe.errors import Notice

if TYPE_CHECKING:
    from torch import Tensor

    from genprobe.types import Params

ROUNDING = 1e-6
"""Share of a value by which two may differ and still be one constant."""


def constant_scale(blocks: Iterable[tuple[int, Params]]) -> Notice | None:
    """That the encoder's scale does not depend on x; None where it does, or there is none.

    Nor is it said where nothing of the code depends on x, which other warnings say. What is beside
    ``loc`` is the scale. As a rule the second example already differs, and the rest
    is not read.

    Args:
        blocks: (first example, parameters of a stretch, each (rows, ...)), in order.

    Example:
        >>> import torch
        >>> params = {"loc": torch.arange(8.0)[:, None], "scale": torch.full((8, 1), 0.5)}
        >>> print(constant_scale([(0, params)]).message)
        The posteriors' scale is 0.5 for every example.
    """
    first: Params = {}
    rows, place, moves = 0, None, False
    for _, params in blocks:
        first = first or {k: v[:1] for k, v in params.items() if k != "loc"}
        if "loc" not in params or not first:
            return None
        if any(varies(params[k], v) for k, v in first.items()):
            return None
        place = params["loc"][:1] if place is None else place
        moves = moves or varies(params["loc"], place)
        rows += len(params["loc"])
    if rows < 2 or not moves:
        return None
    return Notice(
        code="constant-scale",
        message=f"The posteriors' {' and '.join(first)} {value_of(first)} for every example.",
        remedy="If the encoder was meant to make it depend on x, look at its layer; the rate "
        "of a fixed noise says how fine that noise is.",
    )


def varies(values: Tensor, first: Tensor) -> bool:
    """Whether any row (rows, ...) is another than the first (1, ...)."""
    return bool(((values - first).abs() > ROUNDING * first.abs()).any())


def value_of(first: Params) -> str:
    """The one number that a scale is, or that each dimension has its own."""
    values = next(iter(first.values())).flatten()
    if len(first) == 1 and not varies(values, values[:1]):
        return f"is {values[0].item():.3g}"
    return "is the same" if len(first) == 1 else "are the same"
