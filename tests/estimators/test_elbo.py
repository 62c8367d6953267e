import pytest

from genprobe.estimators.elbo import elbo
from genprobe.estimators.standard_error import interval_factor


@pytest.mark.parametrize("rate_draws", [1, 3])
def test_elbo_is_minus_rate_and_distortion_paired_by_example(numbers, rate_draws):
    rate, noise = numbers(rate_draws, 50), 0.1 * numbers(3, 50)
    distortion = 7 - rate + noise
    found = elbo(rate, distortion)
    assert found.value == pytest.approx(-7 - noise.mean().item())
    error = noise.mean(0).std().item() / 50**0.5
    assert found.se_data == pytest.approx(error * interval_factor(noise.mean(0)))
