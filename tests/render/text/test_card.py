import dataclasses
import json
import re

import pytest
import torch

import genprobe
from genprobe.plugins import plugins
from genprobe.render.text.card import to_card
from genprobe.report import Estimate

NAMES = ("rate", "scaling_factor", "shift_factor", "spectrum_slope", "rate_fitted_prior")
ASKED = {name: plugins().get("estimators", name) for name in (*NAMES, "prior_saving")}


@pytest.fixture(scope="module")
def grid():
    waves = torch.randn(200, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    loc = 2 * torch.cumsum(torch.cumsum(waves, 2), 3) / 4 + 0.5
    params = {"loc": loc, "scale": torch.full_like(loc, 0.2)}
    return genprobe.evaluate_posteriors(
        params, name="kl", dataset="faces", event_shape=(3, 32, 32), estimators=ASKED
    )


def section(text, title):
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_config_lines_are_json_with_the_digits_that_are_known(grid):
    block = re.search(r"```json\n(.*?)```", to_card(grid), re.DOTALL)[1]
    config = json.loads(f"{{{block}}}")
    assert list(config) == ["scaling_factor", "shift_factor", "latents_mean", "latents_std"]
    error = grid["scaling_factor"].se_data
    assert config["scaling_factor"] == pytest.approx(grid["scaling_factor"].value, abs=error / 10)
    for name, key in (("mean", "latents_mean"), ("std", "latents_std")):
        for said, channel in zip(config[key], grid.channels, strict=True):
            known = getattr(channel, name)
            assert said == pytest.approx(known.value, abs=known.se_data / 10)


def test_every_candidate_has_a_row_the_model_s_own_prior_first(grid):
    table = section(to_card(grid), "What a generator pays for the codes")
    rows = re.findall(r"^\| (.+?) \| \d", table, re.MULTILINE)
    assert rows == ["standard-normal", *(b.candidate for b in grid.grid.bounds)]


def test_the_main_finding_comes_first(grid):
    text = to_card(grid)
    body = text.split("---\n", 2)[2]
    first = next(line for line in body.splitlines() if line.startswith("- "))
    assert first.startswith("- **Do not sample from the prior: its samples fail because the field")
    assert "saturated" not in text


def test_the_model_s_own_config_is_named(grid):
    facts = {**grid.provenance, "training": {"scaling_factor": 0.18215}}
    text = to_card(dataclasses.replace(grid, provenance=facts))
    assert "scaling_factor (config 0.18215)" in text


def test_estimates_of_plugins_say_how_well_it_reconstructs(grid):
    psnr = Estimate(
        name="psnr", value=21.34, se=0.0, se_data=0.12, kind="estimate", unit="dB", n=200
    )
    more = {**grid.estimates, "psnr": psnr}
    text = to_card(dataclasses.replace(grid, estimates=more))
    assert "| PSNR | 21.34 ± 0.12 dB |" in text
    assert '- type: "psnr"' in text
    assert "## How well they reconstruct" not in to_card(grid)


def test_the_provenance_says_what_was_measured_on_what(grid):
    how = section(to_card(grid), "How it was measured")
    assert "| data | faces |" in how
    assert "| examples | 200 of shape 3 × 32 × 32 |" in how
    assert f"| made by | genprobe {genprobe.__version__} |" in how
