"""Numbers rounded to their error: what lies behind its second digit says nothing."""

import math

DIGITS = 2
"""Of an error that are shown."""
FIXED = 1e15
"""From here on float64 has no digit behind the point: powers of ten say what is known."""
MOST = 16
"""Decimals of a power of ten that float64 has."""
FINER = 2
"""Decimals that a number may have beyond those of one without an error: more are hard to read."""
COARSE = 1e9
"""Errors from here on are written as powers of ten, and so are their numbers."""


def rounded(value: float, error: float | None, decimals: int = 3) -> str:
    """A number with as many decimals as two digits of its error take, and a true minus sign.

    Args:
        value: to be written.
        error: its standard error; 0 if exact, None if unknown.
        decimals: of a number without an error.

    Example:
        >>> rounded(-16.8473, 0.146), rounded(8.2651, None), rounded(1080143699208.055, 0.0)
        ('−16.85', '8.265', '1080143699208.055')
    """
    places = decimals_of(error, decimals)
    if abs(value) >= FIXED or places is None:
        return signed(f"{value:.{mantissa_decimals(value, error, decimals)}e}")
    return signed(f"{value:.{places}f}")


def rounded_error(error: float | None, decimals: int = 3) -> str:
    """A standard error in two digits; exact where it is zero, a dash where it is unknown.

    One below the decimals that a number may have is said to be below the last of them.

    Args:
        error: to be written.
        decimals: as for ``rounded``.

    Example:
        >>> rounded_error(0.146), rounded_error(0.0), rounded_error(None), rounded_error(2e-7)
        ('0.15', 'exact', '–', '<0.00001')
    """
    if error is None:
        return "–"
    if error == 0:
        return "exact"
    places = decimals_of(error, decimals)
    if places is None:
        return f"{error:.{DIGITS - 1}e}"
    written = f"{error:.{places}f}"
    return written if float(written) else f"<{10.0**-places:.{places}f}"


def with_error(value: float, error: float | None, decimals: int = 3, by: float = 1.0) -> str:
    """A number and its error, as a sentence has them.

    Args:
        value: to be written.
        error: its standard error; 0 if exact, None if unknown.
        decimals: as for ``rounded``.
        by: how much of what both are in the unit is.

    Example:
        >>> with_error(0.6361, 0.0448), with_error(3.0, 0.0), with_error(1.386, None, by=0.693)
        ('0.636 ± 0.045', '3.000', '2.000')
    """
    value, error = value / by, None if error is None else error / by
    number = rounded(value, error, decimals)
    return f"{number} ± {rounded_error(error, decimals)}" if error else number


def decimals_of(error: float | None, decimals: int) -> int | None:
    """How many decimals a number of that error has; None where it takes a power of ten."""
    if not error:
        return decimals
    if not 0 < error < COARSE:
        return None
    exponent = int(f"{error:.{DIGITS - 1}e}".partition("e")[2])
    return min(max(DIGITS - 1 - exponent, 0), decimals + FINER)


def mantissa_decimals(value: float, error: float | None, decimals: int) -> int:
    """Decimals of a power of ten: as many as two digits of the error take, or the usual ones."""
    if not error or not value or not math.isfinite(value) or not math.isfinite(error):
        return decimals
    apart = math.floor(math.log10(abs(value))) - math.floor(math.log10(error))
    return min(max(decimals, apart + DIGITS - 1), MOST)


def signed(text: str) -> str:
    """A number with a true minus sign, and none before a zero."""
    if text.startswith("-"):
        return text.replace("-", "−" if float(text) else "", 1)
    return text
