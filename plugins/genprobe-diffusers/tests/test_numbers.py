"""R and D of `genprobe evaluate` against diffusers' own outputs, in float64."""

import copy
import math

import numpy as np
import pytest
import torch
from diffusers import AsymmetricAutoencoderKL, AutoencoderKLFlux2
from torch.distributions import Independent, Laplace, Normal, kl_divergence

from .samples import SMALL, as_tensor, autoencoder, shapes, write_images

DRAWS = 16


def outputs(module, x, draws):
    """Posterior of diffusers, and its images in [0, 1] at draws of its own; float64."""
    module = copy.deepcopy(module).double()
    chance = torch.Generator().manual_seed(7)
    with torch.no_grad():
        q = module.encode(2 * x.double() - 1).latent_dist
        images = [module.decode(q.sample(generator=chance)).sample for _ in range(draws)]
    return q, (torch.stack(images) + 1) / 2


def rates(q):
    """KL to the standard normal, (n,), by torch.distributions."""
    posterior = Independent(Normal(q.mean, q.std), 3)
    prior = Independent(Normal(torch.zeros_like(q.mean), 1.0), 3)
    return kl_divergence(posterior, prior)


def require_close(found, truth, n):
    """An estimate equals the mean of draws (draw, n) within 4 standard errors of both."""
    noise = truth.var(0).mean() / truth.numel() if len(truth) > 1 else 0.0
    assert abs(found["value"] - truth.mean()) < 4 * math.sqrt(found["se"] ** 2 + noise)


def squared_errors(images, x):
    """Σ (x − image)² at every draw (draw, n)."""
    return (images - x.double()).square().flatten(2).sum(2)


@pytest.mark.parametrize("kind", ["random", "trained"])
@pytest.mark.parametrize("safe", [True, False])
def test_rate_and_distortion_are_those_of_its_own_outputs(
    kind, safe, modules, pixels, folder, tmp_path, evaluate
):
    modules[kind].save_pretrained(tmp_path / "vae", safe_serialization=safe)
    assert (tmp_path / "vae" / "diffusion_pytorch_model.bin").exists() is not safe
    report = evaluate(tmp_path / "vae", "--data", f"images:{folder}", "--draws", 4)
    x = as_tensor(pixels)
    q, images = outputs(modules[kind], x, DRAWS)
    estimates = report["estimates"]
    assert estimates["rate"]["value"] == pytest.approx(float(rates(q).mean()), rel=1e-5)
    errors, values = squared_errors(images, x), x[0].numel()
    variance = float(errors.mean()) / values
    scale = report["provenance"]["fitted_scale"]
    assert scale == pytest.approx(math.sqrt(variance), rel=1e-2)
    # At the best scale the mean is P/2 (1 + log 2πσ²); its error is that of the errors over 2σ².
    density = values / 2 * math.log(2 * math.pi * variance) + errors / (2 * variance)
    require_close(estimates["distortion"], density, len(x))
    assert report["provenance"]["likelihood"] == "normal-optimal-sigma"


def test_the_laplace_distortion_is_the_l1_of_the_loss(modules, pixels, folder, tmp_path, evaluate):
    modules["trained"].save_pretrained(tmp_path / "vae")
    report = evaluate(
        tmp_path / "vae", "--data", folder, "--factory", "genprobe_diffusers:laplace", "--draws", 4
    )
    x = as_tensor(pixels)
    _, images = outputs(modules["trained"], x, DRAWS)
    loss = (2 * images - 1 - (2 * x.double() - 1)).abs().flatten(2).sum(2)
    density = -Independent(Laplace(images, 0.5), 3).log_prob(x.double())
    assert torch.allclose(loss, density)
    require_close(report["estimates"]["distortion"], loss, len(x))


def test_log_variances_are_clamped_as_diffusers_clamps_them(folder, tmp_path, evaluate, pixels):
    module = autoencoder()
    with torch.no_grad():  # the encoder asks for scales from e^−50 to e^50
        module.quant_conv.weight[2:].zero_()
        module.quant_conv.bias[2:].copy_(torch.tensor([-100.0, 100.0]))
    module.save_pretrained(tmp_path / "vae")
    report = evaluate(tmp_path / "vae", "--data", folder)
    q, _ = outputs(module, as_tensor(pixels), 1)
    assert q.std.aminmax() == pytest.approx((math.exp(-15), math.exp(10)))
    assert report["estimates"]["rate"]["value"] == pytest.approx(float(rates(q).mean()), rel=1e-5)


@pytest.mark.parametrize("source", ["folder", "array"])
def test_grey_images_are_those_of_a_grey_colour(source, modules, tmp_path, evaluate, pixels):
    modules["trained"].save_pretrained(tmp_path / "vae")
    grey = pixels[..., 0]
    if source == "folder":
        data = f"images:{write_images(tmp_path / 'grey', grey)}"
    else:
        data = tmp_path / "grey.npy"
        np.save(data, grey)
    report = evaluate(tmp_path / "vae", "--data", data, "--draws", 4)
    x = as_tensor(np.stack([grey] * 3, -1))
    q, images = outputs(modules["trained"], x, DRAWS)
    assert report["estimates"]["rate"]["value"] == pytest.approx(float(rates(q).mean()), rel=1e-5)
    variance = float(squared_errors(images, x).mean()) / x[0].numel()
    assert report["provenance"]["fitted_scale"] == pytest.approx(math.sqrt(variance), rel=1e-2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes_agree(dtype, modules, pixels, folder, tmp_path, evaluate):
    modules["trained"].save_pretrained(tmp_path / "vae")
    report = evaluate(tmp_path / "vae", "--data", folder, "--dtype", dtype)
    q, _ = outputs(modules["trained"], as_tensor(pixels), 1)
    accuracy = 1e-5 if dtype == "float32" else 1e-7
    found = report["estimates"]["rate"]["value"]
    assert found == pytest.approx(float(rates(q).mean()), rel=accuracy)


ASYMMETRIC = {
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "down_block_out_channels": (8, 16),
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "up_block_out_channels": (8, 16),
}
FLUX = {
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "block_out_channels": (8, 16),
    "latent_channels": 4,
}


@pytest.mark.parametrize(
    ("kind", "config"), [(AsymmetricAutoencoderKL, ASYMMETRIC), (AutoencoderKLFlux2, FLUX)]
)
def test_other_classes_with_the_same_posterior(kind, config, pixels, folder, tmp_path, evaluate):
    torch.manual_seed(0)
    module = kind(**SMALL, **config).eval()
    module.save_pretrained(tmp_path / "vae")
    report = evaluate(tmp_path / "vae", "--data", folder, "--draws", 4)
    x = as_tensor(pixels)
    q, images = outputs(module, x, DRAWS)
    assert report["estimates"]["rate"]["value"] == pytest.approx(float(rates(q).mean()), rel=1e-5)
    variance = float(squared_errors(images, x).mean()) / x[0].numel()
    assert report["provenance"]["fitted_scale"] == pytest.approx(math.sqrt(variance), rel=1e-2)


def test_a_grid_of_16384_values(tmp_path, evaluate):
    module = autoencoder(
        down_block_types=("DownEncoderBlock2D",),
        up_block_types=("UpDecoderBlock2D",),
        block_out_channels=(4,),
        latent_channels=4,
        mid_block_add_attention=False,
    )
    module.save_pretrained(tmp_path / "vae")
    pixels = shapes(24, 64)
    report = evaluate(tmp_path / "vae", "--data", write_images(tmp_path / "data", pixels))
    x = as_tensor(pixels)
    q, images = outputs(module, x, DRAWS)
    estimates = report["estimates"]
    assert q.mean[0].numel() == len(report["dimensions"]) == 16384
    assert estimates["rate"]["value"] == pytest.approx(float(rates(q).mean()), rel=1e-5)
    variance = float(squared_errors(images, x).mean()) / x[0].numel()
    assert report["provenance"]["fitted_scale"] == pytest.approx(math.sqrt(variance), rel=1e-2)
    assert "saturated" in {warning["code"] for warning in report["warnings"]}
    assert estimates["mutual_information"]["value"] == pytest.approx(math.log(24))
    # Of the ladder only what grows with the number of dimensions, not with its square.
    ladder = report["provenance"]["fitted_prior"]["mean_log_density"]
    assert ladder.keys() == {"diagonal-normal", "channel-normal", "stationary-normal"}
