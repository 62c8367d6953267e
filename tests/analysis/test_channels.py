import pytest
import torch

import genprobe
from genprobe.analysis.channels import channels_of
from genprobe.estimators.grid_moments import GridMoments
from genprobe.plugins import plugins

CODES = {
    "loc": torch.randn(200, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
    "scale": torch.full((200, 2, 4, 4), 0.5),
}


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_moments_of_a_channel_are_those_of_all_its_values():
    values = numbers(300, 2, 9) * torch.tensor([[1.0], [3.0]]) + torch.tensor([[0.0], [5.0]])
    centre, none = values.mean((0, 2))[:, None], values.new_zeros(0)
    square = (values - centre).square().mean(2)
    grid = GridMoments((2, 9), values.mean(2), square, none, square[:, :0], square)
    for c, channel in enumerate(channels_of(grid)):
        assert channel.mean.value == pytest.approx(float(values[:, c].mean()))
        std = float(values[:, c].std(correction=0))
        assert channel.std.value == pytest.approx(std)
        # Independent normal values: σ/√m and σ/√(2m).
        assert channel.mean.se_data == pytest.approx(std / 2700**0.5, rel=0.15)
        assert channel.std.se_data == pytest.approx(std / 5400**0.5, rel=0.15)
        assert channel.rate.value == pytest.approx(float(square[:, c].mean()))


def test_only_what_an_estimator_asked_for_is_worked_out():
    rate = {"rate": plugins().get("estimators", "rate")}
    report = genprobe.evaluate_posteriors(CODES, estimators=rate)
    assert (report.channels, report.grid) == ((), None)


def test_few_examples_state_no_error_of_a_channel():
    few = {k: v[:50] for k, v in CODES.items()}
    names = ("scaling_factor", "rate")
    report = genprobe.evaluate_posteriors(
        few, estimators={name: plugins().get("estimators", name) for name in names}
    )
    for channel in report.channels:
        assert (channel.mean.se_data, channel.std.se_data, channel.rate.se_data) == (None,) * 3
        assert "fewer than 150" in channel.std.remark
