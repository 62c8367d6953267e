import pytest
import torch

from genprobe.errors import SupportError
from genprobe.likelihoods.support import (
    require,
    require_counts,
    require_levels,
    require_unit_interval,
)

ZEROS = torch.zeros(4, 2, 3)


def test_the_first_example_and_its_first_value_at_fault_are_named():
    x = ZEROS.clone()
    x[3, 0, 0], x[1, 1, 2], x[1, 1, 0] = 7, 8, 9
    with pytest.raises(SupportError, match="Example 1 has the value 9; the likelihood mine needs"):
        require("mine", x, x == 0, "nothing but 0", "Give 0.")


def test_the_example_can_be_counted_from_elsewhere():
    error = SupportError(3, 0.5, "mine", "bits", "Round.").after(1000)
    assert str(error) == "Example 1003 has the value 0.5; the likelihood mine needs bits.\nRound."


def test_no_examples_are_fine():
    require_counts("mine", torch.zeros(0, 3), "")


@pytest.mark.parametrize("value", [0.0, 1e-7, 1.0])
def test_the_unit_interval_has_its_ends(value):
    require_unit_interval("mine", ZEROS + value, "")


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (require_unit_interval, -1e-7),
        (require_unit_interval, 1 + 1e-6),
        (require_counts, -1.0),
        (require_counts, 0.5),
        (require_counts, 1e5 + 1 / 64),
    ],
)
def test_what_is_outside_is_refused(check, value):
    with pytest.raises(SupportError, match="Example 0"):
        check("mine", ZEROS + value, "")


def test_bytes_over_255_are_levels_however_they_were_divided():
    levels = torch.arange(256)
    for x in (levels / 255, levels.double() / 255, levels.float() * (1 / 255)):
        require_levels("mine", x[None], 256, 1 / 255, "")


@pytest.mark.parametrize(("value", "step"), [(0.5, 1 / 255), (1 + 1 / 255, 1 / 255), (3.0, 1.0)])
def test_other_values_are_no_levels(value, step):
    with pytest.raises(SupportError, match="Example 0"):
        require_levels("mine", torch.tensor([[value]]), 256 if step < 1 else 3, step, "")
