import pytest

from genprobe.estimators.spectrum_band import band


@pytest.mark.parametrize(
    ("count", "rings"), [(3, (0, 3)), (7, (0, 3)), (15, (0, 7)), (63, (6, 31))]
)
def test_the_band_has_three_rings_at_least(count, rings):
    part = band(count)
    assert (part.start, part.stop) == rings
