import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from genprobe_images import bd_rate
from genprobe_images.curves import Curve
from genprobe_images.sweeps import compare_sweeps, interval_of

import genprobe
from genprobe.cli import main
from genprobe.errors import DataError, GenprobeError
from genprobe.plugins import plugins

SEEDS = 60
SCALES = (0.03, 0.06, 0.12, 0.25)
N = 160


def model(scale, spread):
    """A code that is the image with noise, and a prior that costs more the narrower the noise."""
    return genprobe.Model(
        name=f"scale-{scale}",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, scale)},
        decode=lambda z: {"loc": z, "scale": torch.ones_like(z)},
        posterior="diagonal-normal",
        prior=torch.distributions.Independent(
            torch.distributions.Normal(torch.full((8, 8), 0.5), torch.full((8, 8), spread)), 2
        ),
        likelihood="normal",
    )


def run(folder, spread, x, scales=SCALES, ending="held-out.h5"):
    folder.mkdir()
    every = plugins().all("estimators")
    for scale in scales:
        genprobe.evaluate(
            model(scale, spread),
            x,
            store=folder / f"beta-{scale}.{ending}",
            estimators={k: every[k] for k in ("rate", "distortion", "psnr", "ssim")},
            max_queries=1,
        )
    return folder


@pytest.fixture(scope="module")
def images():
    torch.manual_seed(0)
    return 0.3 + 0.4 * torch.rand(N, 1, 1) + 0.2 * torch.rand(N, 8, 8)


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("sweeps")
    return run(folder / "tight", 0.5, images), run(folder / "loose", 1.0, images)


def test_the_bd_rate_of_two_sweeps_is_that_of_their_means(sweeps):
    found = compare_sweeps(*sweeps)
    points = {}
    for folder in sweeps:
        reports = [genprobe.open_store(path) for path in sorted(folder.glob("*.h5"))]
        points[folder] = [
            np.array([float(s.column(f"probes/{k}").mean()) for s in reports])
            for k in ("rate", "psnr")
        ]
    (one, one_quality), (two, two_quality) = points.values()
    assert found.value == pytest.approx(bd_rate(one, one_quality, two, two_quality), abs=1e-12)
    low, high = found.interval
    assert low < found.value < high
    assert high - low < 0.1
    assert found.curve.models[0] == "scale-0.25"
    assert "PSNR" in CliRunner().invoke(main, ["bd-rate", *map(str, sweeps)]).output


def test_a_sweep_against_itself_is_nothing_whatever_the_resample(sweeps):
    found = compare_sweeps(sweeps[0], sweeps[0])
    assert (found.value, found.interval) == (0.0, (0.0, 0.0))


@pytest.mark.parametrize("quality", ["ssim", "distortion"])
def test_other_qualities_order_the_sweeps_the_same_way(sweeps, quality):
    assert compare_sweeps(*sweeps, quality=quality, resamples=100).value > 0.05


def test_patterns_lists_and_reports_name_a_sweep_too(sweeps, tmp_path):
    wanted = compare_sweeps(*sweeps)
    patterns = [str(folder / "*.h5") for folder in sweeps]
    lists = [sorted(folder.glob("*.h5")) for folder in sweeps]
    for given in (patterns, lists):
        found = compare_sweeps(*given)
        assert (found.value, found.interval) == (wanted.value, wanted.interval)
    for folder in sweeps:
        (tmp_path / folder.name).mkdir()
        for path in folder.glob("*.h5"):
            every = plugins().all("estimators")
            named = {k: every[k] for k in ("rate", "psnr")}
            report = genprobe.report_from_store(genprobe.open_store(path), estimators=named)
            (tmp_path / folder.name / f"{path.stem}.json").write_text(report.to_json())
    found = compare_sweeps(*(tmp_path / folder.name for folder in sweeps))
    assert found.value == pytest.approx(wanted.value, abs=1e-9)
    assert found.interval is None
    assert "stores" in found.no_interval


def synthetic(n, seed):
    """Two curves of images whose difficulty moves rates and qualities; the truth in closed form."""
    generator = np.random.default_rng(seed)
    hard = generator.gamma(4.0, 0.25, n)
    level = np.array([1.0, 2.0, 3.0, 4.0, 5.0])[:, None]
    noise = 0.3 * generator.standard_normal((2, 5, n))
    # log E R is linear in E Q along both curves, so that any interpolation is exact.
    curves = []
    for which, factor in enumerate((1.0, 0.8)):
        rate = factor * hard * np.exp(0.5 * level) * np.exp(noise[which] - 0.045)
        quality = 20 + 3 * level - 2 * (hard - 1) + generator.standard_normal((5, n))
        curves.append(
            Curve(
                name=str(which),
                models=tuple("abcde"),
                rates=rate.mean(1),
                qualities=quality.mean(1),
                data="d",
                rate_each=rate,
                quality_each=quality,
                which=np.arange(n),
            )
        )
    return curves


def test_the_interval_covers_a_truth_that_is_known():
    held = 0
    for seed in range(SEEDS):
        interval, reason = interval_of(*synthetic(200, seed), "akima", 200, seed)
        assert reason == ""
        held += interval[0] <= 0.8 - 1 <= interval[1]
    assert held >= 53, held  # of 60 at 95 %, P(less) = 1 %


def test_equal_images_are_resampled_together():
    one, two = synthetic(100, 3)
    plain, _ = interval_of(one, two, "akima", 400, 0)

    def twice(curve):
        return replace(
            curve,
            rate_each=np.repeat(curve.rate_each, 4, 1),
            quality_each=np.repeat(curve.quality_each, 4, 1),
            which=np.repeat(curve.which, 4),
        )

    copies, _ = interval_of(twice(one), twice(two), "akima", 400, 0)
    assert copies == pytest.approx(plain, abs=1e-12)


def test_a_curve_that_does_not_rise_in_some_resamples_has_no_interval():
    one, two = synthetic(40, 1)
    shaky = replace(two, quality_each=two.quality_each + np.linspace(0, -11.5, 5)[:, None])
    interval, reason = interval_of(one, shaky, "akima", 200, 0)
    assert interval is None
    assert re.search(r"in \d+ of 200 resamples", reason)


def test_what_does_not_compare_is_refused(sweeps, images, tmp_path):
    other = run(tmp_path / "other", 0.5, images[:100] * 0.9)
    with pytest.raises(DataError, match="different data"):
        compare_sweeps(sweeps[0], other)
    with pytest.raises(DataError, match=r"ms_ssim.*too small"):
        compare_sweeps(*sweeps, quality="ms_ssim")
    few = run(tmp_path / "few", 0.5, images, scales=SCALES[:3])
    with pytest.raises(DataError, match="3 rates"):
        compare_sweeps(sweeps[0], few)
    with pytest.raises(GenprobeError, match="no stores or reports"):
        compare_sweeps(sweeps[0], tmp_path / "nowhere")


def test_the_command_tells_all_in_80_columns_and_json(sweeps):
    found = CliRunner().invoke(main, ["bd-rate", *map(str, sweeps), "--json"])
    content = json.loads(found.output)
    assert content["interval"][0] < content["value"] < content["interval"][1]
    assert len(content["curve"]["rate"]) == len(SCALES)
    failed = CliRunner().invoke(main, ["bd-rate", str(sweeps[0]), "nowhere"])
    assert failed.exit_code == 1
    assert "nowhere names no stores" in failed.output
