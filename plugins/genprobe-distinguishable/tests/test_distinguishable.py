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


def test_its_row_stands_in_the_section_of_the_code():
    lines = [line.strip() for line in str(evaluate(1.0).details()).splitlines()]
    [row] = [line for line in lines if line.startswith("distinguishable examples")]
    assert lines.index("The code") < lines.index(row)
    assert "More" not in lines


def test_models_that_tell_more_examples_apart_come_first():
    reports = [evaluate(spread) for spread in (0.5, 2.0)]
    compared = genprobe.compare(reports, sort="distinguishable_examples")
    counts = [report["distinguishable_examples"].value for report in compared.reports]
    assert counts == sorted(counts, reverse=True)
    assert "told apart" in str(compared)


class TestConformance(EstimatorTests):
    part = distinguishable_examples
