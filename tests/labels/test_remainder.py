"""The bracket of what is about other things than the label."""

import dataclasses

import torch

from genprobe.labels.remainder import remainder_lower, remainder_upper
from genprobe.report.estimate import Estimate

ONE = Estimate(name="x", value=4.0, se=0.3, se_data=0.6, kind="estimate", n=100)


def test_the_lower_end_is_the_mean_of_the_remainder_with_the_error_of_the_information():
    found = remainder_lower(torch.full((2, 50), 3.0).double(), 50, ONE)
    assert (found.value, found.kind, found.se, found.se_data) == (3.0, "lower", 0.0, 0.6)


def test_the_upper_end_is_never_below_the_lower_one():
    least = dataclasses.replace(ONE, value=3.5)
    label = dataclasses.replace(ONE, value=2.0)
    found = remainder_upper(ONE, label, least)
    assert (found.value, found.kind) == (3.5, "upper")
    wide = remainder_upper(dataclasses.replace(ONE, value=9.0), label, least)
    assert wide.value == 7.0
