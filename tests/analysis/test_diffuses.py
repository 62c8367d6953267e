import dataclasses
import subprocess
import sys

import torch

import genprobe
from genprobe.analysis.diffuses import diffuses


def test_the_provenance_says_it():
    params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    report = genprobe.evaluate_posteriors(params)
    assert not diffuses(report)
    found = dataclasses.replace(report, provenance={**report.provenance, "diffusion": {}})
    assert diffuses(found)


def test_what_renders_asks_without_torch():
    code = "import sys; sys.modules['torch'] = None; import genprobe.render.page.html"
    subprocess.run([sys.executable, "-c", code], check=True)
