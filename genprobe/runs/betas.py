"""Grids of β, as the command line and Python name them."""

import math

import numpy as np

from genprobe.errors import GenprobeError


def parse_betas(text: str) -> tuple[float, ...]:
    """The grid that a text stands for, rising.

    ``0.1:8:log9`` is nine values from 0.1 to 8 with equal ratios, ``0.5:1.5:lin5`` five with equal
    steps, both to four significant digits; ``0.25,1,4`` is those.

    Raises:
        GenprobeError: saying what was expected.

    Example:
        >>> parse_betas("0.25:4:log5")
        (0.25, 0.5, 1.0, 2.0, 4.0)
    """
    how = "Give LOW:HIGH:logN, LOW:HIGH:linN or values such as 0.25,1,4."
    try:
        values = spaced(*text.split(":")) if ":" in text else [float(v) for v in text.split(",")]
    except (TypeError, ValueError) as error:
        raise GenprobeError(f"{text!r} is no grid of β.", how) from error
    betas = tuple(sorted(set(values)))
    if not np.isfinite(betas).all() or betas[0] < 0:
        raise GenprobeError(f"The β in {text!r} must be finite and not negative.", how)
    return betas


def spaced(low: str, high: str, rule: str) -> list[float]:
    """Values from low to high, equally spaced by a rule such as ``log9``, four digits each.

    Raises:
        ValueError: if the ends or the rule make no sense.
    """
    start, stop, spacing, count = float(low), float(high), rule[:3], int(rule[3:])
    if spacing not in ("log", "lin") or count < 2 or not 0 <= start < stop < math.inf:
        raise ValueError(rule)
    if spacing == "log" and start == 0:
        raise ValueError("a ratio needs a value above 0")
    between = np.geomspace if spacing == "log" else np.linspace
    return [float(f"{value:.4g}") for value in between(start, stop, count)]
