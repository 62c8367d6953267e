import math
import re

import pytest
import torch
from genprobe_images import rows
from genprobe_images.similarity import LEAST_MS_SSIM
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

import genprobe
from genprobe.plugins import plugins

FUNCTIONS = {
    "psnr": peak_signal_noise_ratio,
    "ssim": structural_similarity_index_measure,
    "ms_ssim": multiscale_structural_similarity_index_measure,
}
SEEDS = 60


def images(n, side, channels=1, seed=0):
    """Smooth random images in [0, 1]."""
    coarse = torch.rand(n, channels, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")


def noisy(scale=0.1, shift=lambda x: x):
    """A model whose code is the image with noise, and whose image is the code."""
    return genprobe.Model(
        name="noisy",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, scale)},
        decode=lambda z: {"loc": shift(z), "scale": torch.ones_like(z)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )


def painter(side):
    """A model of two values, which decode to an image."""
    base = images(2, side, seed=9)
    return genprobe.Model(
        name="painter",
        encode=lambda x: {
            "loc": x.mean((2, 3)).expand(-1, 2),
            "scale": torch.full((len(x), 2), 0.1),
        },
        decode=lambda z: {"loc": (z @ base.flatten(1).to(z.dtype)).reshape(-1, *base.shape[1:])},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal-optimal-sigma",
    )


def probes_only():
    every = plugins().all("estimators")
    return {k: every[k] for k in ("psnr", "psnr_of_mean_mse", "ssim", "ms_ssim", "lpips", "rfid")}


def evaluate(model, x, tmp_path=None, **options):
    store = None if tmp_path is None else tmp_path / f"{model.name}.h5"
    return genprobe.evaluate(model, x, store=store, estimators=probes_only(), **options)


def test_they_are_what_torchmetrics_computes_of_the_decoded_draws(tmp_path):
    x, model = images(2, LEAST_MS_SSIM), painter(LEAST_MS_SSIM)
    report = evaluate(model, x, tmp_path, draws=2, batch_size=2, dtype="float64")
    assert "psnr" in report.estimates, report.provenance["absent"]
    for name, function in FUNCTIONS.items():
        single = {"dim": (1, 2, 3)} if name == "psnr" else {}
        for draw in range(2):
            made = model.decode(report.store.gather("draws/z", draw, torch.arange(2)))["loc"]
            wanted = [
                function(
                    made[i, None].double(), x[i, None].double(), data_range=(0.0, 1.0), **single
                )
                for i in range(2)
            ]
            found = report.store.column(f"probes/{name}")[draw]
            torch.testing.assert_close(
                found, torch.stack(wanted).flatten().double(), atol=1e-6, rtol=0
            )
        column = report.store.column(f"probes/{name}")
        assert report[name].value == pytest.approx(float(column.mean()), abs=1e-12)
        assert report[name].unit == ("dB" if name == "psnr" else "ratio")
    said = report.provenance["probes"]["psnr"]
    assert said["range"] == [0.0, 1.0]
    assert said["library"].startswith("torchmetrics ")


def test_the_psnr_of_noise_in_the_middle_of_the_range_is_in_closed_form():
    x = torch.full((200, 16, 16), 0.5)
    report = evaluate(noisy(scale=0.05), x, draws=4)
    pooled = report["psnr_of_mean_mse"]
    assert pooled.value == pytest.approx(-20 * math.log10(0.05), abs=5 * pooled.se)
    # The mean of the logarithm of a mean of 256 squares: less by Jensen, by 10/ln 10 · (1/256).
    assert report["psnr"].value == pytest.approx(pooled.value + 10 / math.log(10) / 256, abs=0.01)


def test_what_lies_beyond_the_range_is_set_to_its_end():
    x = torch.ones(4, 8, 8)
    x[:, 0] = 0.0
    report = evaluate(noisy(scale=1e-3, shift=lambda z: 3 * z - 1), x)
    # Of white and black stretched by 3 about the middle, noise of 1e-3 leaves nothing at all.
    assert "every image is reproduced exactly" in report.provenance["absent"]["psnr_of_mean_mse"]


def test_a_declared_range_scales_the_numbers_and_nothing_else(monkeypatch):
    x = images(5, 16)
    unit = evaluate(noisy(scale=0.1), x, seed=3)
    monkeypatch.setenv("GENPROBE_IMAGES_RANGE", "-1:1")
    wide = evaluate(noisy(scale=0.2), 2 * x - 1, seed=3)
    for name in ("psnr", "psnr_of_mean_mse"):
        # Noise is cut at both ends of the range alike.
        assert wide[name].value == pytest.approx(unit[name].value, abs=1e-4)


@pytest.mark.parametrize("declared", ["1:0", "0", "a:b", "0:inf"])
def test_a_range_that_is_none_is_a_warning_that_says_so(monkeypatch, declared):
    monkeypatch.setenv("GENPROBE_IMAGES_RANGE", declared)
    report = evaluate(noisy(), images(3, 16))
    assert "GENPROBE_IMAGES_RANGE" in report.provenance["absent"]["psnr"]
    assert "probe-failed-psnr" in {warning.code for warning in report.warnings}


@pytest.mark.parametrize(
    ("x", "name", "reason"),
    [
        (torch.rand(20, 7), "psnr", r"no images: their shape is \(7,\)"),
        (torch.rand(20, 5, 8, 8), "ssim", r"no images: their shape is \(5, 8, 8\)"),
        (2 * torch.rand(20, 8, 8) + 3, "psnr", r"range .* not known: example 0 has the value"),
        (torch.rand(20, 28, 28), "ms_ssim", r"too small: 28 × 28, and it takes sides of 176"),
        (torch.rand(20, 4, 9), "ssim", r"too small: 4 × 9, and it takes sides of 6"),
        (torch.rand(20, 8, 8), "lpips", "LPIPS needs the weights .* GENPROBE_IMAGES_LPIPS"),
        (torch.rand(20, 8, 8), "rfid", "rFID needs the weights .* GENPROBE_IMAGES_INCEPTION"),
    ],
)
def test_what_does_not_apply_is_absent_with_its_reason_and_no_warning(x, name, reason):
    report = evaluate(noisy(), x)
    assert name not in report.estimates
    assert re.search(reason, report.provenance["absent"][name])
    assert not [w for w in report.warnings if w.code.startswith("probe-")]


def test_a_value_out_of_range_in_a_later_segment_costs_the_number(monkeypatch):
    monkeypatch.setattr("genprobe.store.format.SEGMENT_ROWS", 16)
    x = torch.rand(40, 8, 8)
    x[37, 0, 0] = 2.0
    assert "example 37 has the value 2" in evaluate(noisy(), x).provenance["absent"]["psnr"]


def test_an_image_reproduced_exactly_has_no_finite_psnr():
    x = images(6, 8)
    model = noisy(scale=1e-3, shift=lambda z: (z * 0).round())
    x[2] = 0.0
    report = evaluate(model, x)
    assert "1 of 6 images are reproduced exactly" in report.provenance["absent"]["psnr"]
    assert math.isfinite(report["psnr_of_mean_mse"].value)


def test_without_a_decoder_there_is_nothing():
    model = genprobe.Model(
        name="blind",
        encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    report = evaluate(model, torch.rand(20, 8, 8))
    assert report.provenance["absent"]["psnr"] == "The model has no decoder."


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    """What the probes say of many images whose contrast differs from image to image."""
    torch.manual_seed(1)
    x = images(6000, 8) * torch.distributions.Beta(2.0, 5.0).sample((6000, 1, 1, 1))
    report = evaluate(noisy(scale=0.2), x, tmp_path_factory.mktemp("many"), max_queries=1)
    return {name: report.store.column(f"probes/{name}") for name in ("psnr", "ssim")}


@pytest.mark.parametrize("name", ["psnr", "psnr_of_mean_mse", "ssim"])
def test_their_errors_over_images_cover_the_population(columns, name):
    column = columns["ssim" if name == "ssim" else "psnr"]
    row, size = getattr(rows, name), 60
    truth, held = row(column).value, 0
    for seed in range(SEEDS):
        found = row(column[:, seed * size : (seed + 1) * size])
        held += abs(found.value - truth) <= 1.96 * found.se_data
    assert held >= 53, held  # of 60 at 95 %, P(less) = 1 %


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same images with few draws, and with many others."""
    x, folder, model = images(SEEDS * 10, 8), tmp_path_factory.mktemp("draws"), noisy(scale=0.2)
    few = evaluate(model, x, folder / "few", draws=2, seed=6, max_queries=1)
    many = evaluate(model, x, folder / "many", draws=20, seed=5, max_queries=1)
    return [{k: r.store.column(f"probes/{k}") for k in ("psnr", "ssim")} for r in (few, many)]


@pytest.mark.parametrize("name", ["psnr", "psnr_of_mean_mse", "ssim"])
def test_their_errors_over_draws_cover_what_more_draws_give(runs, name):
    row, held = getattr(rows, name), 0
    for seed in range(SEEDS):
        part = slice(seed * 10, (seed + 1) * 10)
        found, truth = (row(run["ssim" if name == "ssim" else "psnr"][:, part]) for run in runs)
        held += abs(found.value - truth.value) <= 1.96 * math.hypot(found.se, truth.se)
    assert held >= 53, held


def test_two_models_are_compared_image_by_image(tmp_path):
    x = images(50, 16)
    sharp = evaluate(noisy(scale=0.05), x, tmp_path / "a", max_queries=1)
    blurred = evaluate(noisy(scale=0.1), x, tmp_path / "b", max_queries=1)
    found = genprobe.compare([sharp, blurred], origins=["sharp", "blurred"])
    by_name = {d.name: d for d in found.probed_differences}
    assert set(by_name) == {"psnr", "ssim"}
    apart = by_name["psnr"]
    each = [r.store.column("probes/psnr").mean(0) for r in (sharp, blurred)]
    difference = (each[0] - each[1]) * (1 if apart.value > 0 else -1)
    assert apart.paired
    assert apart.value == pytest.approx(float(difference.mean()))
    assert apart.se_data == pytest.approx(float(difference.std()) / math.sqrt(50))
    assert "Δ PSNR, dB" in str(found)
