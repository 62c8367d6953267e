import pytest

from genprobe.estimators.distortion import distortion
from genprobe.estimators.standard_error import interval_factor


def test_distortion_is_the_mean_over_draws_and_examples(numbers):
    values = numbers(3, 50)
    found = distortion(values)
    assert (found.name, found.kind, found.n) == ("distortion", "estimate", 50)
    assert found.value == pytest.approx(values.mean().item())
    error = values.mean(0).std().item() / 50**0.5
    assert found.se_data == pytest.approx(error * interval_factor(values.mean(0)))
