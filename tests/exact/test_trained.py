"""Models trained to minimise D + βR: the slope reads β off the checkpoint."""

from importlib.resources import files

import pytest

import genprobe
from genprobe.demo import BUNDLES


@pytest.mark.parametrize(("name", "beta"), [b for b in BUNDLES.items() if b[1] < 1])
def test_the_slope_is_the_beta_a_bundle_was_trained_with(name, beta):
    report = genprobe.evaluate(files("genprobe.demo") / f"{name}.pt")
    assert report["rate"].value > 1
    assert report["slope"].value == pytest.approx(beta, rel=0.1)
