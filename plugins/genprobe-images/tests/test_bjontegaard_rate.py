import bjontegaard
import numpy as np
import pytest
from genprobe_images.bjontegaard_rate import METHODS, bd_rate

from genprobe.errors import DataError, UsageError

RATES = np.array([1.2, 2.5, 4.0, 8.5, 17.0])
QUALITIES = np.array([24.0, 27.5, 29.0, 33.0, 36.0])
OTHER = np.array([0.9, 1.9, 4.1, 7.5, 12.0]), np.array([23.0, 26.8, 30.1, 33.5, 35.1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [0.25, 0.9, 1.0, 1.3, 1e3])
def test_a_curve_with_its_rates_scaled_by_c_differs_by_c_less_one(method, scale):
    found = bd_rate(RATES, QUALITIES, scale * RATES, QUALITIES, method=method)
    assert found == pytest.approx(scale - 1, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_it_is_what_the_package_of_the_codecs_computes(method):
    wanted = bjontegaard.bd_rate(
        RATES, QUALITIES, *OTHER, method=method, require_matching_points=False, min_overlap=0
    )
    assert 100 * bd_rate(RATES, QUALITIES, *OTHER, method=method) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_unit_of_the_rate_and_the_order_of_the_points_do_not_matter(method):
    found = bd_rate(RATES, QUALITIES, *OTHER, method=method)
    order = [3, 0, 4, 1, 2]
    bits = bd_rate(
        RATES[order] / np.log(2), QUALITIES[order], OTHER[0] / np.log(2), OTHER[1], method=method
    )
    assert bits == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_exchanging_the_curves_inverts_the_ratio(method):
    there = bd_rate(RATES, QUALITIES, *OTHER, method=method)
    back = bd_rate(*OTHER, RATES, QUALITIES, method=method)
    assert (1 + there) * (1 + back) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ((RATES, QUALITIES + 20), "do not overlap: .* 24 to 36, the other from 44 to 56"),
        ((RATES, QUALITIES[[0, 2, 1, 3, 4]]), "other curve is not monotone: from rate 2.5 to 4"),
        ((RATES * [1, 0, 1, 1, 1], QUALITIES), "other curve has a rate .* without a logarithm"),
        ((RATES[:3], QUALITIES[:3]), "other curve has 3 rates and 3 qualities, and it takes 4"),
        ((RATES, QUALITIES[:4]), "other curve has 5 rates and 4 qualities"),
        ((RATES, QUALITIES * np.nan), "without a logarithm"),
        ((RATES[[0, 0, 1, 2, 3]], QUALITIES), "not monotone: from rate 1.2 to 1.2"),
    ],
)
def test_curves_without_a_bd_rate_are_refused_in_one_line(other, message):
    with pytest.raises(DataError, match=message) as caught:
        bd_rate(RATES, QUALITIES, *other)
    assert "\n" not in caught.value.what


def test_another_method_is_refused():
    with pytest.raises(UsageError, match="akima, pchip"):
        bd_rate(RATES, QUALITIES, *OTHER, method="cubic")
