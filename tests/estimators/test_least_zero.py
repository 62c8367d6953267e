import dataclasses

import pytest

from genprobe.estimators.least_zero import at_least_zero
from genprobe.report import Estimate

BOUND = Estimate(name="floor", value=2.0, se=0.1, se_data=0.3, kind="lower", n=9, remark="so")


def test_a_bound_above_zero_stays_as_it_is():
    assert at_least_zero(BOUND) == BOUND


@pytest.mark.parametrize("value", [-5.0, 0.0])
def test_below_zero_it_is_zero_and_says_so(value):
    found = at_least_zero(dataclasses.replace(BOUND, value=value))
    assert (found.value, found.se, found.se_data, found.kind) == (0.0, 0.0, None, "lower")
    assert "cannot be negative" in found.remark
