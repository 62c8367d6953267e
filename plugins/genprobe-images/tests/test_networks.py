import hashlib
import warnings

import numpy as np
import pytest
import scipy.linalg
import torch
from genprobe_images.frechet import distance, rfid, rfid_limit
from torch import nn

import genprobe
from genprobe.plugins import plugins


class Regions(nn.Module):
    """Mean of each of four regions of each channel: twelve features."""

    def forward(self, images):
        return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)


class Apart(nn.Module):
    """Mean squared difference of two images."""

    def forward(self, pair):
        return (pair[:, :3] - pair[:, 3:]).square().mean((1, 2, 3))


def exported(network, channels, path, side=16):
    batch = torch.export.Dim("batch", min=2)
    example = torch.rand(4, channels, side, side)
    program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        torch.jit.save(torch.jit.script(Regions()), folder / "regions.pt")
    return {
        "regions": exported(Regions(), 3, folder / "regions.pt2"),
        "apart": exported(Apart(), 6, folder / "apart.pt2"),
        "code": folder / "regions.pt",
    }


@pytest.fixture
def images():
    torch.manual_seed(0)
    coarse = torch.rand(80, 3, 2, 2)
    return nn.functional.interpolate(coarse, (16, 16)).clamp(0, 1)


def evaluate(x, tmp_path, draws=2):
    model = genprobe.Model(
        name="noisy",
        encode=lambda x: {"loc": x.mean((2, 3)), "scale": torch.full((len(x), 3), 0.05)},
        decode=lambda z: {"loc": z[:, :, None, None].expand(-1, -1, 16, 16)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal-optimal-sigma",
    )
    every = plugins().all("estimators")
    wanted = {k: every[k] for k in ("rfid", "rfid_limit", "lpips")}
    store = tmp_path / "s.h5"
    report = genprobe.evaluate(
        model, x, store=store, estimators=wanted, draws=draws, max_queries=1, batch_size=32
    )
    z = torch.stack([report.store.gather("draws/z", d, torch.arange(len(x))) for d in range(draws)])
    return report, z[..., None, None].expand(-1, -1, -1, 16, 16).clamp(0, 1)


def frechet(one, other):
    """By the definition, with the square root of a matrix."""
    one, other = (np.asarray(v, dtype=float) for v in (one, other))
    first, second = np.cov(one.T), np.cov(other.T)
    root = scipy.linalg.sqrtm(first @ second).real
    apart = ((one.mean(0) - other.mean(0)) ** 2).sum()
    return apart + np.trace(first) + np.trace(second) - 2 * np.trace(root)


def test_rfid_is_the_distance_of_the_features_of_images_in_8_bits(
    networks, images, tmp_path, monkeypatch
):
    monkeypatch.setenv("GENPROBE_IMAGES_INCEPTION", str(networks["regions"]))
    report, made = evaluate(images, tmp_path)
    originals, reconstructions = (Regions()((v * 255).round() / 255) for v in (images, made[0]))
    wanted = frechet(originals, reconstructions)
    found = report["rfid"]
    assert found.value == pytest.approx(wanted, rel=1e-4)
    assert (found.se, found.se_data, found.n) == (None, None, 80)
    assert "no error is known" in found.remark
    said = report.provenance["probes"]["rfid_features"]
    assert said["sha256"] == hashlib.sha256(networks["regions"].read_bytes()).hexdigest()
    assert said["crop"] == said["resize"] == "none"
    assert "originals" in said["reference"]
    assert said["library"] == f"torch {torch.__version__}"


def test_images_are_resized_with_antialiasing_if_asked(networks, images, tmp_path, monkeypatch):
    monkeypatch.setenv("GENPROBE_IMAGES_INCEPTION", str(networks["regions"]))
    monkeypatch.setenv("GENPROBE_IMAGES_RESIZE", "16")
    report, _ = evaluate(images, tmp_path)
    said = report.provenance["probes"]["rfid_features"]
    assert said["resize"] == "bicubic with antialiasing to 16 × 16"
    monkeypatch.setenv("GENPROBE_IMAGES_RESIZE", "wide")
    (tmp_path / "b").mkdir()
    report, _ = evaluate(images, tmp_path / "b")
    assert "GENPROBE_IMAGES_RESIZE is 'wide'" in report.provenance["absent"]["rfid"]


def test_lpips_is_what_the_network_says_of_each_pair(networks, images, tmp_path, monkeypatch):
    monkeypatch.setenv("GENPROBE_IMAGES_LPIPS", str(networks["apart"]))
    report, made = evaluate(images, tmp_path)
    wanted = (2 * made - 2 * images).square().mean((2, 3, 4)).double()
    torch.testing.assert_close(report.store.column("probes/lpips"), wanted, atol=1e-6, rtol=1e-5)
    assert report["lpips"].value == pytest.approx(float(wanted.mean()), rel=1e-5)
    assert report["lpips"].se > 0


def test_grey_images_have_three_equal_channels(networks, images, tmp_path, monkeypatch):
    monkeypatch.setenv("GENPROBE_IMAGES_INCEPTION", str(networks["regions"]))
    grey = genprobe.Model(
        name="grey",
        encode=lambda x: {"loc": x.mean((1, 2))[:, None], "scale": torch.full((len(x), 1), 0.05)},
        decode=lambda z: {"loc": z[:, :, None].expand(-1, 16, 16)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal-optimal-sigma",
    )
    wanted = {"rfid": plugins().get("estimators", "rfid")}
    store = tmp_path / "s.h5"
    genprobe.evaluate(grey, images[:, 0], store=store, estimators=wanted)
    column = genprobe.open_store(store).column("probes/rfid_features")
    torch.testing.assert_close(column[:4], column[8:12])
    assert len(column) == 24


def test_code_runs_only_if_trusted(networks, images, tmp_path, monkeypatch):
    monkeypatch.setenv("GENPROBE_IMAGES_INCEPTION", str(networks["code"]))
    report, _ = evaluate(images, tmp_path)
    assert "would run code in it" in report.provenance["absent"]["rfid"]
    assert "probe-failed-rfid-features" in {w.code for w in report.warnings}
    (tmp_path / "b").mkdir()
    monkeypatch.setenv("GENPROBE_IMAGES_TRUST", "1")
    trusted, made = evaluate(images, tmp_path / "b")
    pair = (Regions()((v * 255).round() / 255) for v in (images, made[0]))
    assert trusted["rfid"].value == pytest.approx(frechet(*pair), rel=1e-4)


@pytest.mark.parametrize("content", [None, b"", b"weights"])
def test_what_is_no_network_is_told(images, tmp_path, monkeypatch, content):
    path = tmp_path / "inception.pt2"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("GENPROBE_IMAGES_INCEPTION", str(path))
    report, _ = evaluate(images, tmp_path)
    assert "inception.pt2" in report.provenance["absent"]["rfid"]
    assert "rfid" not in report.estimates


def test_a_network_for_other_images_is_told(networks, tmp_path, monkeypatch, images):
    monkeypatch.setenv("GENPROBE_IMAGES_INCEPTION", str(networks["apart"]))
    report, _ = evaluate(images, tmp_path)
    said = report.provenance["absent"]["rfid"]
    assert "GENPROBE_IMAGES_INCEPTION" in said


def gaussians(n, seed):
    """Features of two normals with covariances that commute: their distance in closed form."""
    made = torch.Generator().manual_seed(seed)
    scales = torch.linspace(0.5, 2.0, 8, dtype=torch.float64)[:, None]
    one = scales * torch.randn(8, n, generator=made, dtype=torch.float64)
    other = 0.3 + 1.2 * scales * torch.randn(8, n, generator=made, dtype=torch.float64)
    truth = 8 * 0.3**2 + float((0.2 * scales).square().sum())
    return torch.cat([one, other]), truth


def test_the_distance_of_normals_tends_to_its_closed_form():
    features, truth = gaussians(200_000, 0)
    assert distance(features) == pytest.approx(truth, rel=0.02)


def test_it_is_biased_upwards_and_the_limit_is_not():
    found = [
        (rfid(f).value, rfid_limit(f).value) for f, _ in (gaussians(100, i) for i in range(60))
    ]
    values = np.array(found) - gaussians(100, 0)[1]
    error = values.std(0) / np.sqrt(60)
    assert values[:, 0].mean() > 5 * error[0]
    assert abs(values[:, 1].mean()) < 3 * error[1]


def test_it_is_what_torchmetrics_computes():
    from torchmetrics.image.fid import _compute_fid

    features, _ = gaussians(500, 1)
    one, other = features.chunk(2)
    wanted = _compute_fid(one.mean(1), torch.cov(one), other.mean(1), torch.cov(other))
    assert distance(features) == pytest.approx(float(wanted), rel=1e-9)


def test_the_limit_takes_halves_with_more_images_than_features():
    from genprobe.errors import UnavailableError

    with pytest.raises(UnavailableError, match="18 images or more"):
        rfid_limit(gaussians(17, 0)[0])
