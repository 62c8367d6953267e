"""Student's t: how large a mean of few values must be, in its own errors, to be no accident.

A standard error from N values is itself uncertain. The ratio of their mean to it has, for normal
values of mean zero, Student's t distribution with N − 1 degrees of freedom (Student 1908, "The
probable error of a mean"), whose tails are wider than a normal's: at N = 10 a bound of 1.96 is
passed in 8 % of cases, not 5 %.
"""

from functools import lru_cache

MOST = 1e12
"""Degrees of freedom beyond which it is a normal."""


@lru_cache
def students_t(level: float, degrees: int | float) -> float:
    """The t that |T| exceeds with probability ``level``.

    Args:
        level: above 0 and below 1.
        degrees: of freedom, at least 1; perhaps infinite.

    Example:
        >>> round(students_t(0.05, 9), 3), round(students_t(0.05, float("inf")), 3)
        (2.262, 1.96)
    """
    from scipy.special import stdtrit  # takes as long to import as a kept report to show

    return -float(stdtrit(min(degrees, MOST), level / 2))
