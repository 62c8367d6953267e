import pytest
import torch

import genprobe


@pytest.fixture(scope="module")
def report():
    return evaluate({"epoch": 3})


def evaluate(training):
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x, "scale": 0.5 + 0 * x},
        posterior="diagonal-normal",
        prior="standard-normal",
        training=training,
    )
    return genprobe.evaluate(model, torch.randn(40, 2))


def test_every_number_that_is_known_has_its_name(report):
    found = report.scalars()
    assert found.pop("regime_probability") == report.regime.probability
    for name, estimate in report.estimates.items():
        for end, value in (
            ("", estimate.value),
            ("_se", estimate.se),
            ("_se_data", estimate.se_data),
        ):
            assert found.pop(name + end, None) == value
    assert found == {}


def test_the_epoch_is_known_of_what_was_made_while_training(report):
    assert report.epoch == 3
    assert evaluate({"epochs": 3}).epoch is None
