import pytest
import torch

from genprobe.families.differences import nearest_gaps, summed_differences


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("event", [(), (3,), (2, 4)])
@pytest.mark.parametrize("m", [1, 600])
def test_every_pair_is_the_sum_over_its_dimensions(power, event, m):
    z, loc = torch.randn(m, *event), torch.randn(7, *event)
    scale = 0.1 + torch.rand(7, *event)
    found = summed_differences(z, loc, scale, power)
    each = ((z[:, None].double() - loc.double()) / scale.double()).abs() ** power
    torch.testing.assert_close(found, each.reshape(m, 7, -1).sum(2))


def test_nearly_equal_numbers_do_not_cancel():
    z, loc = torch.tensor([[1e4 + 2**-9]]), torch.tensor([[1e4]])
    found = summed_differences(z, loc, torch.tensor([[1e-6]]), 2)
    assert float(found) == pytest.approx((2**-9 * 1e6) ** 2, rel=1e-6)


def test_gaps_are_zero_inside_and_the_distance_outside():
    low, high = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 5.0])
    found = nearest_gaps(low, high, torch.tensor([[-1.0], [0.5], [7.0]]))
    torch.testing.assert_close(found, torch.tensor([[1.0, 3.0], [0.0, 1.5], [6.0, 2.0]]))
