import math

import pytest
import torch
from genprobe_distinguishable import distinguishable_examples

import genprobe
from genprobe.testing import EstimatorTests


def evaluate(spread):
    """32 one-dimensional posteriors of scale 1, their means this far apart."""

    def encode(x):
        return {"loc": spread * x, "scale": torch.ones_like(x)}

    model = genprobe.Model(
        name="line", encode=encode, posterior="diagonal-normal", prior="standard-normal"
    )
    return genprobe.evaluate(model, torch.arange(32.0)[:, None])


@pytest.mark.parametrize(("spread", "count"), [(0.0, 1.0), (100.0, 32.0)])
def test_counts_all_examples_when_separate_and_one_when_collapsed(spread, count):
    assert evaluate(spread)["distinguishable_examples"].value == pytest.approx(count, rel=1e-6)


def test_is_the_exponential_of_the_information():
    report = evaluate(1.0)
    information = report["mutual_information"]
    found = report["distinguishable_examples"]
    assert found.value == pytest.approx(math.exp(information.value))
    assert found.se == pytest.approx(found.value * information.se)


class TestConformance(EstimatorTests):
    part = distinguishable_examples
