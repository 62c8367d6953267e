import json

import pytest
import torch

import genprobe
from genprobe import Report


@pytest.fixture(scope="module")
def report():
    loc = torch.randn(200, 2, 4, 4, generator=torch.Generator().manual_seed(0)).cumsum(-1)
    return genprobe.evaluate_posteriors({"loc": loc, "scale": torch.full_like(loc, 0.1)})


def test_channels_and_grid_survive_json(report):
    again = Report.from_json(report.to_json())
    assert again.channels == report.channels
    assert again.grid == report.grid
    content = json.loads(report.to_json())
    assert [set(c) for c in content["channels"]] == [{"mean", "std", "rate"}] * 2
    assert content["grid"]["shape"] == [2, 4, 4]


def test_what_a_channel_and_a_position_cost_adds_up_to_the_rate(report):
    by_channel = sum(channel.rate.value for channel in report.channels)
    assert by_channel == pytest.approx(report.rate.value)
    assert sum(report.grid.rate) == pytest.approx(report.rate.value)
    assert len(report.grid.rate) == 16


def test_channels_of_points_have_no_rate_and_survive_json_too():
    params = {"loc": torch.randn(200, 2, 8, generator=torch.Generator().manual_seed(0))}
    report = genprobe.evaluate_posteriors(params, family="delta")
    assert [channel.rate for channel in report.channels] == [None, None]
    assert Report.from_json(report.to_json()).channels == report.channels
    assert report.grid.rate is None


def test_other_latents_have_neither():
    params = {"loc": torch.randn(200, 3), "scale": torch.ones(200, 3)}
    report = genprobe.evaluate_posteriors(params)
    assert (report.channels, report.grid) == ((), None)
    assert not {"channels", "grid"} & json.loads(report.to_json()).keys()
    assert "no places" in report.provenance["absent"]["scaling_factor"]
