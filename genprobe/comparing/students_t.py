r"""Student's t: how large a mean of few values must be, in its own errors, to be no accident.

A standard error from N values is itself uncertain. The ratio of their mean to it has, for normal
values of mean zero, Student's t distribution with N − 1 degrees of freedom (Student 1908, "The
probable error of a mean"), whose tails are wider than a normal's: at N = 10 a bound of 1.96 is
passed in 8 % of cases, not 5 %.
"""

import functools
import math

import numpy as np

HALVINGS = 60
NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)
REACH = 12.0
"""Standard deviations of the integrand, beyond which it is below exp(−72) of its largest value."""


@functools.cache
def students_t(level: float, degrees: int) -> float:
    """The t that |T| exceeds with probability ``level``.

    Args:
        level: above 0 and below 1.
        degrees: of freedom, at least 1.

    >>> round(students_t(0.05, 9), 3), round(students_t(0.05, 10**6), 3)
    (2.262, 1.96)
    """
    low, high = 0.0, math.pi / 2
    everything = mass_beyond(0.0, degrees)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        more = mass_beyond(middle, degrees) > level * everything
        low, high = (middle, high) if more else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def mass_beyond(angle: float, degrees: int) -> float:
    r"""What of the distribution lies beyond :math:`t = \sqrt\nu \tan\theta`, up to a factor.

    In θ its density is proportional to :math:`\cos^{\nu-1}\theta`.

    Args:
        angle: θ, at least 0 and below π/2.
        degrees: ν.
    """
    width = min(math.pi / 2 - angle, REACH / math.sqrt(degrees))
    at = angle + width * (1 + NODES) / 2
    return float(width * (WEIGHTS * np.cos(at) ** (degrees - 1)).sum())
