import math

import pytest

from genprobe.analysis.rounding import rounded, rounded_error, with_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (8.2651, 0.0343, "8.265 ± 0.034"),
        (-16.8473, 0.146, "−16.85 ± 0.15"),
        (3.0, 0.0996, "3.00 ± 0.10"),
        (12345.6, 99.7, "12346 ± 100"),
        (-1234567.8912, 12345.678, "−1234568 ± 12346"),
        (1080143699208.055, 0.2, "1080143699208.06 ± 0.20"),
        (1080143699208.055, 2e9, "1.0801e+12 ± 2.0e+09"),
        (1080143699208.055, 0.0, "1080143699208.055"),
        (5e17, 5e16, "5.000e+17 ± 5.0e+16"),
        (0.00023431, 7.8e-6, "0.00023 ± 0.00001"),
        (-0.0001, 0.03, "0.000 ± 0.030"),
        (0.00000012, 3e-8, "0.00000 ± <0.00001"),
    ],
)
def test_two_digits_of_the_error_decide(value, error, text):
    assert with_error(value, error) == text


def test_no_number_is_shown_wrong_by_more_than_its_error_allows():
    for exponent in range(-6, 9):
        for power in range(-3, 15):
            value, error = 1.2345678901234567 * 10**power, 4.3 * 10**exponent
            said = float(rounded(value, error))
            coarse = 0.6e-3 * value * (error >= 1e8)
            assert abs(said - value) <= max(0.02 * error, coarse, 0.5e-5)


def test_an_unknown_error_leaves_the_usual_decimals():
    assert (rounded(1.23456, None), rounded_error(None)) == ("1.235", "–")
    assert (rounded(1.23456, 0.0, 5), rounded_error(0.0)) == ("1.23456", "exact")


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_still_text(odd):
    assert rounded(odd, 0.1)
    assert rounded(1.0, odd)
    assert rounded_error(odd)
