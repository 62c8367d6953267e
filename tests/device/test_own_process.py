"""Runs in a process that has the pretend accelerator from its beginning.

Evaluations and the engine on it, and of every family and likelihood the test that their suites
have for devices.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration

HERE = Path(__file__).parent
RUNS = {
    "evaluations": ([HERE / "in_own_process"], 17),
    "parts": (
        ["-k", "stay_on_their_device", HERE.parent / "families", HERE.parent / "likelihoods"],
        25,
    ),
}


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch takes no device that is written in Python",
)
@pytest.mark.parametrize("run", RUNS)
def test_on_the_pretend_accelerator(run):
    chosen, least = RUNS[run]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "on_pretend_device", *chosen],
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= least
