import pytest

from genprobe.estimators.rate import rate
from genprobe.estimators.standard_error import (
    degrees_of_freedom,
    interval_factor,
    student_factor,
)


def test_rate_is_the_mean(numbers):
    values = numbers(1, 50)
    found = rate(values, True)
    assert (found.name, found.kind, found.se, found.n) == ("rate", "exact", 0.0, 50)
    assert found.value == pytest.approx(values.mean().item())
    error = values.std().item() / 50**0.5
    assert found.se_data == pytest.approx(error * interval_factor(values[0]))


def test_a_monte_carlo_rate_has_an_error(numbers):
    values = numbers(4, 50)
    found = rate(values, False)
    assert found.kind == "estimate"
    error = (values.var(0).mean().item() / 200) ** 0.5
    freedom = degrees_of_freedom(values.var(0), 4)
    assert found.se == pytest.approx(error * student_factor(freedom))
