"""Which dimensions are named: those that are known to say something, most first."""

import dataclasses

import torch

from genprobe.labels.dimension_figures import DimensionFigure, informative
from genprobe.report.estimate import Estimate

BOUND = Estimate(name="label_information", value=0.0, se=0.0, se_data=0.01, kind="lower", n=500)


def figure(index, value):
    bound = dataclasses.replace(BOUND, value=value)
    return DimensionFigure(
        index=index,
        information=bound,
        leave_one_out=bound,
        terms=torch.zeros(1, 1).double(),
        which=None,
    )


def test_only_what_is_beyond_chance_for_all_together_is_named():
    # 2.2 errors are beyond chance for one dimension, not for a hundred.
    assert informative([figure(4, 0.022)]) == (4,)
    many = [figure(i, 0.022) for i in range(99)]
    assert informative([*many, figure(99, 0.5)]) == (99,)


def test_the_one_that_says_most_comes_first():
    assert informative([figure(0, 0.1), figure(1, 0.9), figure(2, 0.0)]) == (1, 0)
    assert informative([]) == ()
