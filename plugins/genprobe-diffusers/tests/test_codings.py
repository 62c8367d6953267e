"""Autoencoders whose code is a point, and of whose code the index in a codebook is known."""

import math

import diffusers
import pytest
import torch
from genprobe_diffusers.loader import diffusers as loader
from genprobe_diffusers.loader import load

import genprobe
from genprobe.testing import LoaderTests

from .samples import as_tensor, autoencoder, deep_compression, quantised, shapes, tiny

X = as_tensor(shapes(150, 16, seed=2))
POINTS = {"tiny": (tiny, "latents"), "dc": (deep_compression, "latent")}


class TestPoint(LoaderTests):
    part = loader
    data = as_tensor(shapes(12, 16))

    def write(self, folder):
        tiny().save_pretrained(folder / "tiny")
        return folder / "tiny"


class TestQuantised(LoaderTests):
    part = loader
    data = as_tensor(shapes(12, 16))

    def write(self, folder):
        quantised().save_pretrained(folder / "vq")
        return folder / "vq"


@pytest.mark.parametrize("name", POINTS)
def test_a_point_has_a_distortion_and_a_scale_and_an_infinite_rate(name, tmp_path):
    make, field = POINTS[name]
    module = make().eval()
    module.save_pretrained(tmp_path / name)
    report = genprobe.evaluate(load(tmp_path / name), X, device="cpu")
    with torch.no_grad():
        z = getattr(module.encode(2 * X - 1), field).double()
        image = (module.decode(z.float()).sample + 1) / 2
    assert report["scaling_factor"].value == pytest.approx(1 / z.std(correction=0).item(), rel=1e-5)
    assert report["shift_factor"].value == pytest.approx(z.mean().item(), rel=1e-4)
    assert [c.mean.value for c in report.channels] == pytest.approx(
        z.mean((0, 2, 3)).tolist(), rel=1e-4
    )
    mse = (image - X).double().square().mean()
    expected = X[0].numel() / 2 * (1 + math.log(2 * math.pi * mse.item()))
    assert report["distortion"].value == pytest.approx(expected, rel=1e-5)
    assert "its rate is infinite" in report.provenance["absent"]["rate"]
    assert "rate is infinite" in str(report)


@pytest.mark.parametrize("lookup", [False, True])
def test_codes_are_those_of_the_codebook_and_decode_as_diffusers_decodes(lookup, tmp_path):
    module = quantised(lookup_from_codebook=lookup)
    module.save_pretrained(tmp_path / "vq")
    model = load(tmp_path / "vq")
    with torch.no_grad():
        found = module.encode(2 * X - 1).latents
        given = model.encode(X)
        image = model.decode(given["index"].float())["loc"]
        expected = (module.decode(found).sample + 1) / 2
    far = torch.cdist(found.movedim(1, -1).flatten(0, 2), module.quantize.embedding.weight)
    assert torch.equal(given["index"].flatten(), far.argmin(1))
    assert torch.allclose(image, expected, atol=1e-5)
    report = genprobe.evaluate(model, X, device="cpu")
    assert report["rate"].value == pytest.approx(256 * math.log(8))
    assert report.tokens.shape == (16, 16)
    assert report.tokens.bound("token-context").nats.value < report["rate"].value


def test_the_config_scale_is_held_against_the_measured_one(evaluate, folder, tmp_path):
    tiny().save_pretrained(tmp_path / "tiny")
    found = evaluate(tmp_path / "tiny", "--data", f"images:{folder}")
    [said] = [w["message"] for w in found["warnings"] if w["code"] == "scaling-factor-differs"]
    measured = found["estimates"]["scaling_factor"]["value"]
    assert said.startswith(f"scaling_factor is 1 in the config, {measured:.0f}")


def test_the_config_moments_by_channel_are_held_against_the_measured_ones(tmp_path):
    module = autoencoder(latents_mean=[0.0, 0.0], latents_std=[1.0, 50.0])
    module.save_pretrained(tmp_path / "kl")
    report = genprobe.evaluate(load(tmp_path / "kl"), X, device="cpu")
    [said] = [w.message for w in report.warnings if w.code == "scaling-factor-differs"]
    assert "latents_std is off in " in said
    assert "most in channel 1: 50 in the config" in said
    assert any("Check the scale of codes: scaling_factor is 0.18215" in v for v in report.verdict)


def test_all_that_are_read_are_classes_of_diffusers():
    from genprobe_diffusers.codings import READ

    assert [name for name in READ if not hasattr(diffusers, name)] == []
