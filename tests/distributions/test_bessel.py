import math

import mpmath
import pytest
import torch

from genprobe.distributions.bessel import LARGE, debye_polynomials, expansion, log_bessel

ORDERS = (0, 0.5, 1, 1.5, 4, 29.5, 30, 31, 200.5, 2047)
ARGUMENTS = (1e-8, 1e-3, 0.5, 3.0, 30.0, 1e3, 2.5e4)


@pytest.fixture
def digits():
    with mpmath.workdps(50):
        yield


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("x", ARGUMENTS)
def test_logarithm_and_ratio_are_those_of_fifty_digits(digits, order, x):
    found, ratio = log_bessel(order, torch.tensor(x, dtype=torch.float64))
    here, above = (mpmath.besseli(order + up, x, maxterms=10**6) for up in (0, 1))
    truth = mpmath.log(here) - order * mpmath.log(x) - x
    assert abs(float(truth - float(found))) <= 1e-13 * (1 + abs(float(truth)))
    assert float(ratio) == pytest.approx(float(above / here / x), rel=1e-13)


@pytest.mark.parametrize("order", [0.5, 1.5])
@pytest.mark.parametrize("x", [1e6, 1e12])
def test_huge_arguments_are_those_of_elementary_functions(order, x):
    """I_½ = √(2/πx) sinh x and I_{3/2} = √(2/πx) (cosh x − sinh(x)/x), e^−x taken off."""
    found, _ = log_bessel(order, torch.tensor(x, dtype=torch.float64))
    truth = math.log(math.sqrt(2 / (math.pi * x)) / 2) - order * math.log(x)
    truth += math.log1p(-1 / x) if order == 1.5 else 0.0
    assert float(found) == pytest.approx(truth, rel=1e-13)


@pytest.mark.parametrize("order", [0, 3.5, 50, 8191])
def test_at_zero_both_are_their_limits(order):
    found, ratio = log_bessel(order, torch.zeros(2))
    assert found.tolist() == pytest.approx([-order * math.log(2) - math.lgamma(order + 1)] * 2)
    assert ratio.tolist() == pytest.approx([1 / (2 * order + 2)] * 2)


def test_expansion_and_recurrence_meet():
    x = torch.logspace(-3, 8, 50, dtype=torch.float64)
    for found, truth in zip(log_bessel(LARGE - 1, x), stepped(x), strict=True):
        torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-12)


def stepped(x):
    """The same at LARGE − 1, by one step of the expansion's recurrence from LARGE."""
    value, ratio = expansion(float(LARGE), x)
    lower = 1 / (2 * LARGE + x.square() * ratio)
    return value - lower.log(), lower


def test_polynomials_are_the_published_ones():
    """DLMF 10.41.10."""
    _, first, second, *_ = debye_polynomials()
    assert first == pytest.approx((0, 3 / 24, 0, -5 / 24))
    assert second == pytest.approx((0, 0, 81 / 1152, 0, -462 / 1152, 0, 385 / 1152))
