"""Every family and likelihood on an accelerator, by the test that their suites have for devices."""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_tensors_of_every_part_stay_on_the_accelerator():
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "on_pretend_device"]
    command += ["-k", "stay_on_their_device", TESTS / "families", TESTS / "likelihoods"]
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    done = subprocess.run(
        command,
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 25
