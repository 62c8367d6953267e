import dataclasses

import pytest
import torch

import genprobe
from genprobe.analysis.channel_findings import not_white, scale_differs
from genprobe.plugins import plugins
from genprobe.report.channels import Channel
from genprobe.types import Estimate


def estimate(name, value, error=0.002):
    return Estimate(name=name, value=value, se=0.0, se_data=error, kind="exact")


FACTORS = {k: estimate(k, v) for k, v in {"scaling_factor": 0.21, "shift_factor": 0.4}.items()}
CHANNELS = [Channel(mean=estimate("m", 0.1 * c), std=estimate("s", 1.0 + c)) for c in range(3)]


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"scaling_factor": 0.18}, "scaling_factor is 0.18 in the config, 0.2100 ± 0.0020 on"),
        ({"shift_factor": 0.6}, "shift_factor is 0.6 in the config, 0.4000 ± 0.0020 on"),
        ({"latents_std": [1.0, 2.0, 4.0]}, "latents_std is off in 1 of 3 channels, most in chan"),
        ({"latents_mean": [0.0, 0.5, 0.2]}, "channel 1: 0.5 in the config, 0.1000 ± 0.0020"),
    ],
)
def test_another_scale_than_the_configs_is_found(training, said):
    found = scale_differs(FACTORS, CHANNELS, training)
    assert found.code == "scaling-factor-differs"
    assert said in found.message


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"scaling_factor": 0.2115},  # within two errors
        {"shift_factor": 0.45},  # a hundredth of σ
        {"scaling_factor": None, "shift_factor": None},
        {"scaling_factor": "0.1", "shift_factor": True, "latents_std": "1,2,3"},
        {"scaling_factor": float("nan"), "latents_mean": [None, "x", float("inf")]},
        {"latents_std": [9.0, 9.0]},  # of another number of channels
        {"latents_std": [1.0, 2.0, 3.01]},
    ],
)
def test_what_agrees_or_says_nothing_is_not(training):
    assert scale_differs(FACTORS, CHANNELS, training) is None


def test_a_latent_without_places_has_no_scale_to_differ():
    assert scale_differs({}, (), {"scaling_factor": 0.18, "latents_std": []}) is None


ESTIMATES = {"rate": estimate("rate", 9000.0), "prior_saving": estimate("saving", 3900.0, 12.0)}
SCORES = {"channel-normal": -9800.0, "stationary-normal": -7000.0}


def test_a_field_that_is_not_white_is_found_with_what_it_saves():
    found = not_white(ESTIMATES, SCORES)
    assert found.code == "field-not-white"
    assert "saves 3900 of the 9000 nats of rate, and 2800 against" in found.message
    better = not_white(ESTIMATES, SCORES | {"flow": -6900.0})
    assert "saves 3800 of the 9000" in better.message


@pytest.mark.parametrize(
    ("saving", "scores"),
    [
        (3900.0, {}),
        (3900.0, SCORES | {"channel-normal": -7020.0}),
        (20.0, SCORES),
        (-5.0, SCORES),
    ],
)
def test_a_white_field_or_a_good_prior_is_not(saving, scores):
    known = dict(ESTIMATES, prior_saving=estimate("saving", saving, 12.0))
    assert not_white(known, scores) is None


@pytest.fixture(scope="module")
def smooth():
    """Codes of which neighbours are alike, and a config that scales them by 1."""
    z = torch.randn(300, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    x = torch.nn.functional.avg_pool2d(z, 3, 1, 1) * 6
    names = ("rate", "rate_fitted_prior", "prior_saving", "scaling_factor", "shift_factor")
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, 0.1)},
        posterior="diagonal-normal",
        prior="standard-normal",
        training={"scaling_factor": 1.0},
    )
    estimators = {name: plugins().get("estimators", name) for name in names}
    return genprobe.evaluate(model, x, estimators=estimators)


def test_reports_warn_of_both_and_say_what_to_do(smooth):
    assert {w.code for w in smooth.warnings} >= {"scaling-factor-differs", "field-not-white"}
    field, scale = smooth.verdict[:2]
    assert "the field of codes is not white. stationary-normal (--write-prior) saves" in field
    assert scale.startswith("Check the scale of codes: scaling_factor is 1 in the config, 0.")
    assert not any("Refit the prior" in sentence for sentence in smooth.verdict)


def test_verdicts_are_the_same_from_json(smooth):
    again = genprobe.Report.from_json(smooth.to_json())
    assert again.verdict == smooth.verdict
    without = dataclasses.replace(again, warnings=[])
    assert not any("white" in sentence for sentence in without.verdict)
