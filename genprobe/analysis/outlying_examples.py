"""A few examples that carry a mean, such as one whose posterior's scale is 1e10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genprobe.errors import Notice
from genprobe.report import number

if TYPE_CHECKING:
    from jaxtyping import Float64
    from torch import Tensor

FAR = 10.0
"""From the median, in deviations that nine tenths of the examples keep within."""
NINE_TENTHS = 0.9
FEW = 0.05
"""Share of the examples that are few."""
LEAST_SHARE = 0.5
"""Of the mean, by which it changes without them."""
LEAST_NATS = 0.1
FEWEST = 10
"""Examples among which one can be told to be unlike the others."""
SHOWN = 3


def outlying_examples(columns: Mapping[str, Float64[Tensor, "draw n"]]) -> Notice | None:
    """That a few examples carry the rate, the distortion or both; None if they do not.

    Args:
        columns: what the mean is of, (draw, n) nats, by the name that the message has for it.

    Example:
        >>> import torch
        >>> rate = torch.full((1, 200), 4.0).double()
        >>> rate[0, 17] = 1e18
        >>> print(outlying_examples({"rate": rate}).message)
        1 of 200 examples (17) carries 100 % of the rate.
    """
    said = [carried(name, column.mean(0)) for name, column in columns.items()]
    found = [each for each in said if each is not None]
    if not found:
        return None
    facts, without = zip(*found, strict=True)
    return Notice(
        code="outlying-examples",
        message=" ".join(facts),
        remedy="Look at these examples, and at the scale that the encoder gives for them. "
        + " ".join(without),
    )


def carried(name: str, each: Float64[Tensor, " n"]) -> tuple[str, str] | None:
    """Which few examples carry a mean, and what it is with and without them; None if none do.

    Args:
        name: of the mean.
        each: (n,) what it is the mean of, nats.
    """
    found = outliers(each)
    if not len(found) or len(found) > max(1, FEW * len(each)):
        return None
    others = each.new_ones(len(each)).bool()
    others[found] = False
    mean, without = float(each.mean()), float(each[others].mean())
    if abs(mean - without) < max(LEAST_NATS, LEAST_SHARE * abs(mean)):
        return None
    one = len(found) == 1
    how = "decides" if one else "decide"
    if each.min() >= 0:
        share = 100 * float(each[found].sum() / each.sum())
        how = f"{'carries' if one else 'carry'} {share:.0f} % of"
    return (
        f"{len(found)} of {len(each)} examples ({listed(found)}) {how} the {name}.",
        f"The {name} is {number(mean, 2)}, without {'it' if one else 'them'} "
        f"{number(without, 2)} nats.",
    )


def outliers(each: Float64[Tensor, " n"]) -> Tensor:
    """Positions of the values far from nearly all others, the farthest first.

    Args:
        each: (n,) nats.
    """
    if len(each) < FEWEST:
        return each[:0].argsort()
    off = (each - each.median()).abs()
    usual = off.kthvalue(int(NINE_TENTHS * len(each))).values
    order = (-off).argsort(stable=True)
    return order[off[order] > FAR * usual]


def listed(examples: Tensor) -> str:
    """Positions of a few examples, and that there are more.

    >>> import torch
    >>> listed(torch.arange(7))
    '0, 1, 2, …'
    """
    more = ", …" if len(examples) > SHOWN else ""
    return ", ".join(str(i) for i in examples[:SHOWN].tolist()) + more
