"""Four published models on MNIST's 10000 test images, against reference numbers kept here.

I(n;z) of the reference was estimated with 10000 queries; D is that of grey pixels under the
Bernoulli likelihood.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import genprobe

pytestmark = pytest.mark.seeds

ROOT = Path(__file__).parents[1]
IMAGES = "mnist/t10k-images-idx3-ubyte.gz"
REFERENCE = {
    # R, then I(n;z), D and the leave-one-out bound with their standard errors, then active units.
    "VAE": (19.3268940, (9.1177725, 0.0046708), (122.7542996, 0.0178994), (48.55866, 0.28357), 10),
    "betaH": (10.6841232, (8.3269473, 0.0146207), (140.4880842, 0.0467326), (12.09554, 0.0534), 10),
    "btcvae": (9.2998535, (7.7896147, 0.0167275), (147.7991492, 0.0485185), (9.78288, 0.04373), 8),
    "kingma": (
        23.7339085,
        (9.1697777, 0.0028346),
        (68.2561202, 0.0162684),
        (69.92797, 0.40401),
        19,
    ),
}

SLOPES = {"VAE": (0.95, 1.01), "betaH": (3.93, 4.17)}
"""The β that their authors trained with, 1 and 4, as the checkpoint alone tells it. (btcvae was
trained with another loss, which has no one β.)"""

REGIMES = {"VAE": "knee", "betaH": "semantic-decoder"}
"""By these slopes: grey pixels have no position."""


def require_reference(report, name):
    """Check a report: R closely, what is Monte Carlo within four of the combined errors."""
    rate, *estimated, active = REFERENCE[name]
    assert report["rate"].value == pytest.approx(rate, abs=1e-3)
    assert report["active_units"].value == active
    for key, (value, se) in zip(
        ("mutual_information", "distortion", "mutual_information_loo"), estimated, strict=True
    ):
        found = report[key]
        assert abs(found.value - value) < 4 * math.hypot(found.se, se), key
    assert report["mutual_information"].value <= math.log(10000)
    assert report["mutual_information"].se <= 0.01
    assert report.provenance["max_error"] < 1e-3


@pytest.mark.parametrize("name", ["VAE", "betaH", "btcvae"])
def test_burgess_models(name, data_dir, models_dir, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from examples.real_models import resize_to_32

    images = resize_to_32(genprobe.open_dataset(f"idx:{data_dir / IMAGES}").read(0, 10000))
    path = models_dir / "burgess-mnist" / name / "model.pt"
    report = genprobe.evaluate(path, images, factory="examples.real_models:burgess", draws=4)
    require_reference(report, name)
    if name in SLOPES:
        low, high = SLOPES[name]
        assert low <= report["slope"].value <= high
        assert (report.regime.label, report.regime.probability) == (REGIMES[name], 1.0)
    if name == "VAE":
        assert report["marginal_kl_population_lower"].value >= 0.80


def test_kingma_m1_from_the_command_line(data_dir, models_dir, tmp_path):
    model = models_dir / "kingma-m1-mnist" / "v_best.ndict.tar.gz"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "genprobe", "evaluate", model),
            *("--factory", "examples.real_models:kingma_m1", "--data", f"idx:{IMAGES}"),
            *("--draws", "4", "--json", tmp_path / "report.json"),
        ],
        cwd=ROOT,
        env={**os.environ, "GENPROBE_DATA_DIR": str(data_dir)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0
    assert done.stderr == (
        "mnist/t10k-images holds bytes; they are pixels (divided by 255), which is the rule for "
        "bytes. --bytes counts reads them otherwise.\n"
    )
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    report = genprobe.Report.from_json(text)
    require_reference(report, "kingma")
    assert 0.97 <= report["slope"].value <= 1.01
    assert (report.regime.label, report.regime.probability) == ("knee", 1.0)
    assert str(report) == done.stdout
    codes = {notice["code"] for notice in json.loads(text)["warnings"]}
    assert {"bernoulli-on-grey", "saturated", "marginal-kl-is-floor"} <= codes
