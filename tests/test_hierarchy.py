"""The example of hierarchies, from the command line."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from genprobe.cli import main

ROOT = Path(__file__).parents[1]
SIZES = {"two": (4, 12), "four": (2, 4, 8, 12)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hierarchy")
    paths = {name: folder / f"{name}.pt" for name in SIZES}
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.syspath_prepend(ROOT)
        patch.setattr(sys, "argv", ["hierarchy", *map(str, paths.values()), "60"])
        runpy.run_module("examples.hierarchy", run_name="__main__")
        yield paths


@pytest.mark.parametrize("name", SIZES)
def test_the_command_line_says_what_each_level_costs(weights, tmp_path, name):
    words = ["evaluate", str(weights[name]), "--factory", f"examples.hierarchy:{name}_levels"]
    words += ["--data", "digits", "--split", "test", "--json", str(tmp_path / "r.json")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "\nLevels  " in done.output
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [tuple(level["shape"]) for level in found["levels"]] == [(k,) for k in SIZES[name]]
    assert len(found["progressive"]["points"]) == len(SIZES[name]) + 1
