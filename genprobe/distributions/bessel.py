"""Modified Bessel functions of the first kind I_ν, as logarithms, for any ν ≥ 0 and x ≥ 0.

Orders of at least ``LARGE`` by Debye's expansion, which holds uniformly in x (DLMF 10.41.3): with
r = √(ν² + x²) and p = ν/r,

    log I_ν(x) ≈ r + ν log(x/(ν + r)) − ½ log 2πr + log Σ_k u_k(p)/ν^k.

Smaller orders come down from there by I_{j−1} = I_{j+1} + (2j/x) I_j, the direction in which that
recurrence is stable (DLMF 10.29.1). Powers of x and e^x are taken off throughout, so nothing over-
or underflows, at x = 0 or in thousands of dimensions.
"""

import math
from fractions import Fraction
from functools import cache

import torch
from torch import Tensor

LARGE = 30
"""Orders from which the expansion is used."""
TERMS = 10
"""Terms of it; at ``LARGE`` the first one left out is below 1e-15."""


def log_bessel(order: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """log(I_ν(x) x^−ν e^−x), and the ratio I_{ν+1}(x) / (x I_ν(x)).

    Args:
        order: ν ≥ 0.
        x: ≥ 0, any shape.

    Returns:
        Both in float64, of the shape of x. At x = 0 they are −ν log 2 − log Γ(ν + 1) and
        1/(2ν + 2).
    """
    order, x = float(order), x.double()
    steps = max(0, math.ceil(LARGE - order))
    value, ratio = expansion(order + steps, x)
    for step in range(steps, 0, -1):
        ratio = 1 / (2 * (order + step) + x * (x * ratio))
        value = value - ratio.log()
    return value, ratio


def expansion(order: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """The same by Debye's expansion, for orders of at least ``LARGE``."""
    root = torch.hypot(x, torch.full_like(x, order))
    p = order / root
    series, slope = torch.zeros_like(x), torch.zeros_like(x)
    for k, polynomial in reversed(list(enumerate(debye_polynomials()))):
        series = series + horner(polynomial, p) * order**-k
        slope = slope + horner(derivative(polynomial), p) * order**-k
    # root − x, without cancellation
    beyond = order * (order / (root + x))
    value = beyond - order * (order + root).log() - (2 * math.pi * root).log() / 2 + series.log()
    ratio = 1 / (order + root) - 1 / (2 * root * root) - slope / series * (p / root / root)
    return value, ratio


@cache
def debye_polynomials() -> tuple[tuple[float, ...], ...]:
    """Coefficients of u_0 … u_{TERMS−1}, lowest power first (DLMF 10.41.9).

    u_{k+1}(p) = ½ p² (1 − p²) u_k′(p) + ⅛ ∫₀^p (1 − 5t²) u_k(t) dt.
    """
    found = [[Fraction(1)]]
    for _ in range(TERMS - 1):
        last = found[-1]
        following = [Fraction(0)] * (len(last) + 3)
        for power, c in enumerate(last):
            following[power + 1] += c * power / 2 + c / (8 * (power + 1))
            following[power + 3] -= c * power / 2 + 5 * c / (8 * (power + 3))
        found.append(following)
    return tuple(tuple(float(c) for c in polynomial) for polynomial in found)


def derivative(polynomial: tuple[float, ...]) -> tuple[float, ...]:
    """Coefficients of the derivative."""
    return tuple(power * c for power, c in enumerate(polynomial))[1:]


def horner(polynomial: tuple[float, ...], p: Tensor) -> Tensor:
    """The polynomial at p."""
    value = torch.zeros_like(p)
    for c in reversed(polynomial):
        value = value * p + c
    return value
