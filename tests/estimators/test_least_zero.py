import dataclasses

import pytest

from genprobe.estimators.least_zero import at_least_zero
from genprobe.report import Estimate

BOUND = Estimate(name="floor", value=2.0, se=0.1, se_data=0.3, kind="lower", n=9, remark="so")


def test_a_bound_above_zero_stays_as_it_is():
    assert at_least_zero(BOUND) == BOUND


@pytest.mark.parametrize(("value", "se"), [(-5.0, 0.0), (-0.4, 0.0), (-0.2, 0.1), (0.0, 0.1)])
def test_below_zero_it_is_zero_which_errs_where_other_draws_are_above(value, se):
    found = at_least_zero(dataclasses.replace(BOUND, value=value))
    assert (found.value, found.se, found.se_data, found.kind) == (0.0, se, None, "lower")
    assert "cannot be negative" in found.remark


def test_without_an_error_of_drawing_there_is_none_at_zero():
    assert at_least_zero(dataclasses.replace(BOUND, value=-1.0, se=None)).se is None
