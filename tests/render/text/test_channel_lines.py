import dataclasses

import pytest

from genprobe.render.text.channel_lines import channel_lines, factor_lines
from genprobe.render.text.screen import LINES, to_screen
from genprobe.render.text.table import to_text
from genprobe.report.channels import Channel, LatentGrid


@pytest.fixture
def on_grid(make_report, make_estimate):
    """A report of a latent with places, of so many channels."""

    def make(count, **changes):
        report = make_report(**changes)
        channels = tuple(
            Channel(
                mean=make_estimate("channel_mean", 0.1 * c, se_data=0.01),
                std=make_estimate("channel_std", 1.0 + c, se_data=0.02),
                rate=make_estimate("channel_rate", 10.0 * (c + 1), se_data=0.1),
            )
            for c in range(count)
        )
        factors = {
            "scaling_factor": make_estimate("scaling_factor", 0.2134, se_data=0.0021, unit="1/z"),
            "shift_factor": make_estimate("shift_factor", -0.51, se_data=0.03, unit="z"),
            "spectrum_slope": make_estimate("spectrum_slope", -1.92, se_data=0.05, unit="log/log"),
        }
        return dataclasses.replace(
            report,
            estimates={**report.estimates, **factors},
            channels=channels,
            grid=LatentGrid(shape=(count, 8, 8), frequencies=(0.1,), power=(1.0,)),
        )

    return make


def test_the_first_line_is_ready_to_be_pasted(on_grid):
    first, *_ = channel_lines(on_grid(2))
    assert first == "scaling_factor 0.2134 ± 0.0021, shift_factor −0.510 ± 0.030"
    assert factor_lines(on_grid(2)) == [first]


def test_few_channels_are_listed(on_grid):
    _, std, mean, rate = channel_lines(on_grid(2))
    assert std == "std by channel 1.000 ± 0.020, 2.000 ± 0.020"
    assert mean == "mean by channel 0.000 ± 0.010, 0.100 ± 0.010"
    assert rate == "2 × 8 × 8; rate 67 % in 1, 33 % in 0; spectrum slope −1.920 ± 0.050"


def test_of_many_channels_the_extremes_are(on_grid):
    _, std, _, rate = channel_lines(on_grid(16))
    assert std == "std from 1.000 ± 0.020 (channel 0) to 16.000 ± 0.020 (channel 15)"
    assert rate.startswith("16 × 8 × 8; rate 12 % in 15, 11 % in 14")


def test_other_latents_have_no_line(make_report):
    assert channel_lines(make_report()) == factor_lines(make_report()) == []
    assert "Codes " not in to_screen(make_report())


def test_screen_and_table_have_them(on_grid):
    report = on_grid(2)
    screen, table = to_screen(report), to_text(report)
    assert "Codes   scaling_factor 0.2134 ± 0.0021" in screen
    assert len(screen.splitlines()) <= LINES
    assert "std by channel 1.000 ± 0.020, 2.000 ± 0.020" in table
