"""The example of a diffusion model, from the command line."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from genprobe.cli import main

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("ddpm") / "ddpm.pt"
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.syspath_prepend(ROOT)
        patch.setattr(sys, "argv", ["ddpm", str(path), "300"])
        runpy.run_module("examples.ddpm", run_name="__main__")
        yield path


def test_the_command_line_evaluates_it(weights, tmp_path):
    words = ["evaluate", str(weights), "--factory", "examples.ddpm:build", "--data", "digits"]
    words += ["--split", "test", "--device", "cpu", "--json", str(tmp_path / "r.json")]
    words += ["--html", str(tmp_path / "r.html"), "--plot", str(tmp_path / "r.png")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "bits/dim" in done.output
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert found["provenance"]["likelihood"] == "discretised-normal-17"
    assert len(found["levels"]) > 10
    points = found["progressive"]["points"]
    assert points[0]["coded"]["value"] > points[-1]["coded"]["value"]
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Where the bits go along time" in page
