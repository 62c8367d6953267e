import copy
import dataclasses
import pickle

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


def test_every_estimate_is_an_attribute(report):
    assert all(getattr(report, name) is estimate for name, estimate in report.estimates.items())
    assert report.estimates.keys() <= set(dir(report))
    assert {"verdict", "estimates", "to_json"} <= set(dir(report))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("marginal_kI", r"no marginal_kI: did you mean marginal_kl\? It has rate, "),
        ("verdicts", r"did you mean verdict\?"),
        ("distortion", r"no distortion: .*decode"),
        ("zzz", "no zzz: it has the estimates rate, "),
    ],
)
def test_an_attribute_that_is_not_there_says_which_are(report, name, said):
    with pytest.raises(AttributeError, match=said):
        getattr(report, name)


def test_a_report_without_estimates_can_be_copied_and_pickled(report):
    bare = dataclasses.replace(report, store=None)
    assert pickle.loads(pickle.dumps(bare)) == copy.deepcopy(bare) == bare
    assert not hasattr(bare, "_ipython_display_")


def test_its_repr_is_a_line(report):
    assert repr(report).startswith("Report('m' on 'array', n=40, rate=")
    assert len(repr(report).splitlines()) == 1
