"""Differences of labels are paired where what is said of each example is at hand."""

import dataclasses
import math

import pytest
import torch

from genprobe.comparing.label_differences import label_difference
from genprobe.estimate import Estimate
from genprobe.label_report import LabelReport

N = 400


@pytest.fixture
def said():
    """The report of a label from what is said of each example."""

    def make(terms):
        there = terms[~terms.isnan()]
        error = float(there.std()) / math.sqrt(len(there))
        estimate = Estimate(
            name="label_information",
            value=float(there.mean()),
            se=0.0,
            se_data=error,
            kind="lower",
            n=len(there),
        )
        return LabelReport(
            name="y",
            classes=("a", "b"),
            n=N,
            missing=0,
            estimates={"label_information": estimate},
            dimensions=(),
            informative=(),
            candidate="linear discriminant",
            accuracy=1.0,
            saturated=False,
            terms=terms,
        )

    return make


def test_the_error_is_that_of_the_differences(said):
    torch.manual_seed(0)
    hard = torch.randn(N).double()  # the same examples are hard for both
    first, second = (
        hard + 0.1 * torch.randn(N).double() + 0.05,
        hard + 0.1 * torch.randn(N).double(),
    )
    first[:7], second[3:11] = math.nan, math.nan  # not all were scored
    found = label_difference("a", "b", said(first), said(second))
    apart = (first - second)[11:]
    assert found.paired
    assert found.n == N - 11
    assert found.se_data == pytest.approx(float(apart.std()) / math.sqrt(N - 11), rel=0.02)
    alone = dataclasses.replace(said(first), terms=None)
    unpaired = label_difference("a", "b", alone, said(second))
    assert not unpaired.paired
    assert unpaired.se_data > 5 * found.se_data
    assert unpaired.value == found.value


def test_copies_are_one_observation(said):
    torch.manual_seed(0)
    which = torch.arange(N) // 4
    terms = torch.randn(N // 4).double()[which]
    apart = label_difference("a", "b", said(terms), said(0 * terms))
    clustered = label_difference("a", "b", said(terms), said(0 * terms), which)
    assert clustered.se_data == pytest.approx(2 * apart.se_data, rel=0.05)
