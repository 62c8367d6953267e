"""Unconditional pipelines: a small DDPM that diffusers trained and saved, and its bound."""

import json
import math

import diffusers
import numpy as np
import pytest
import torch
from genprobe_diffusers.noise_schedule import levels
from genprobe_diffusers.pipelines import load, pipelines

import genprobe
from genprobe.errors import ModelError

from .samples import as_tensor, autoencoder, shapes

STEPS = 40
SIDE = 8


def network(channels=3, out=None, **config):
    torch.manual_seed(0)
    return diffusers.UNet2DModel(
        sample_size=SIDE,
        in_channels=channels,
        out_channels=out or channels,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        **config,
    ).eval()


def scheduler(**config):
    usual = {"num_train_timesteps": STEPS, "beta_start": 0.002, "beta_end": 0.3}
    return diffusers.DDPMScheduler(**{**usual, **config})


def saved(folder, unet=None, **config):
    pipeline = diffusers.DDPMPipeline(unet=unet or network(), scheduler=scheduler(**config))
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def images():
    return as_tensor(shapes(160, SIDE))


@pytest.fixture(scope="module")
def trained(images):
    """A few seconds of training on the noise, as the pipeline's own example does it."""
    unet, noising, x = network(), scheduler(), 2 * images - 1
    optimiser = torch.optim.Adam(unet.parameters(), 5e-3)
    unet.train()
    for _ in range(150):
        rows, t = torch.randint(0, len(x), (32,)), torch.randint(0, STEPS, (32,))
        noise = torch.randn(32, *x.shape[1:])
        optimiser.zero_grad()
        found = unet(noising.add_noise(x[rows], noise, t), t).sample
        (found - noise).square().mean().backward()
        optimiser.step()
    return unet.eval()


def by_scheduler(unet, x, config, draws=3):
    """−log p(x) step after step: means and variances as ``DDPMScheduler.step`` takes them."""
    noising, x_0, total = scheduler(**config), 2 * x - 1, torch.zeros(len(x)).double()
    kept = noising.alphas_cumprod.double()
    last = kept[-1]
    top = (1 - last - 1 - (1 - last).log() + last * x_0.double() ** 2).flatten(1).sum(1) / 2
    for _ in range(draws):
        for t in range(STEPS):
            noise = torch.randn_like(x_0)
            state = noising.add_noise(x_0, noise, torch.tensor([t]))
            with torch.no_grad():
                given = unet(state, torch.full((len(x),), t)).sample
            expected = noising.step(given, t, state).pred_original_sample.double()
            total += step_cost(x, x_0.double(), expected, t, kept, config) / draws
    return total + top


def step_cost(x, x_0, expected, t, kept, config):
    beta = noising_beta(kept, t)
    if t == 0:
        scale, y, half = beta.sqrt(), 2 * x.double() - 1, 1 / 255
        normal = torch.distributions.Normal(expected, scale)
        upper = torch.where(y > 1 - half, torch.ones_like(y), normal.cdf(y + half))
        lower = torch.where(y < half - 1, torch.zeros_like(y), normal.cdf(y - half))
        return -(upper - lower).clamp(min=1e-300).log().flatten(1).sum(1)
    own = (1 - kept[t - 1]) / (1 - kept[t]) * beta
    variance = beta if config.get("variance_type") == "fixed_large" else own
    shift = kept[t - 1].sqrt() * beta / (1 - kept[t]) * (x_0 - expected)
    each = shift**2 / variance + own / variance - 1 - (own / variance).log()
    return each.flatten(1).sum(1) / 2


def noising_beta(kept, t):
    return 1 - kept[t] / kept[t - 1] if t else 1 - kept[0]


@pytest.mark.parametrize("config", [{}, {"variance_type": "fixed_large", "clip_sample": False}])
def test_a_trained_pipeline_costs_what_its_scheduler_says(trained, images, config, tmp_path):
    folder, x = saved(tmp_path / "ddpm", trained, **config), images[:30]
    report = genprobe.evaluate(folder, x, device="cpu", tolerance=0.01)
    torch.manual_seed(1)
    halves = [by_scheduler(trained, x, config) for _ in range(2)]
    truth = float(sum(halves).mean()) / 2
    own = float((halves[0] - halves[1]).std()) / 2 / math.sqrt(len(x))
    assert abs(report["elbo"].value + truth) < 4.5 * math.hypot(report["elbo"].se, own)
    assert report.provenance["diffusion"]["steps"] == STEPS


@pytest.mark.parametrize("kind", ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"])
@pytest.mark.parametrize("rescaled", [False, True])
def test_schedules_are_those_of_diffusers(kind, rescaled):
    made = scheduler(beta_schedule=kind, rescale_betas_zero_snr=rescaled)
    alpha, sigma = levels(made.config)
    truth = made.alphas_cumprod.double()
    torch.testing.assert_close(alpha**2, truth, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(sigma**2, 1 - truth, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "predicts"), [("epsilon", "noise"), ("sample", "x"), ("v_prediction", "v")]
)
def test_what_the_network_predicts_is_in_the_config(given, predicts, tmp_path):
    model = load(saved(tmp_path / "ddpm", prediction_type=given))
    assert model.diffusion.predicts == predicts
    assert (model.diffusion.clip, model.diffusion.mean) == (1.0, 0.5)


def test_a_learned_range_lies_between_the_posteriors_variance_and_beta(tmp_path, images):
    folder = saved(tmp_path / "ddpm", network(out=6), variance_type="learned_range")
    model = load(folder)
    t = torch.tensor([0, 1, 20, STEPS - 1])
    prediction, log_variance = model.diffusion.denoise(2 * images[:4] - 1, t)
    share = network(out=6)(2 * images[:4] - 1, t).sample.chunk(2, 1)[1]
    made = scheduler(variance_type="learned_range")
    for i in (1, 2, 3):
        truth = made._get_variance(int(t[i]), share[i])  # which is a logarithm for this type
        torch.testing.assert_close(log_variance[i], truth, rtol=1e-4, atol=1e-4)
    assert prediction.shape == images[:4].shape
    assert genprobe.evaluate(folder, images[:40], device="cpu")["rate"].value > 0


def test_the_command_line_reads_a_pipeline(evaluate, trained, images, tmp_path):
    folder, data = saved(tmp_path / "ddpm", trained), tmp_path / "x.npy"
    np.save(data, (images * 255).round().to(torch.uint8).numpy())
    found = evaluate(folder, "--data", data)
    assert found["provenance"]["likelihood"] == "discretised-normal"
    assert found["progressive"]["steps"] == "time"
    assert pipelines.recognises(folder)


def test_latents_of_a_pipeline_with_an_autoencoder_are_data_of_their_own(tmp_path):
    folder = saved(tmp_path / "latent", network(channels=2))
    (folder / "vqvae").mkdir()
    assert not pipelines.recognises(folder)
    model = genprobe.load(f"diffusion-pipeline:{folder}")
    report = genprobe.evaluate(model, torch.randn(40, 2, SIDE, SIDE), device="cpu")
    assert report.provenance["likelihood"] == "normal"


def test_with_its_autoencoder_the_network_is_the_prior_of_the_codes(tmp_path):
    folder = saved(tmp_path / "latent", network(channels=2))
    autoencoder(scaling_factor=0.5).save_pretrained(folder / "vae")
    model = genprobe.load(f"diffusion-pipeline:{folder}")
    z = torch.randn(4, 2, SIDE, SIDE)
    assert model.prior.log_prob(z).shape == (4,)
    report = genprobe.evaluate(model, as_tensor(shapes(40, 2 * SIDE)), device="cpu")
    assert report.provenance["training"]["scheduler"] == "DDPMScheduler"
    assert {"rate", "distortion", "elbo", "mutual_information"} <= report.estimates.keys()


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("scheduler/scheduler_config.json", {"beta_schedule": "exp"}, "noise schedule 'exp'"),
        ("scheduler/scheduler_config.json", {"prediction_type": "flow"}, "prediction type 'flow'"),
        ("scheduler/scheduler_config.json", {"variance_type": "learned"}, "variance type"),
        ("scheduler/scheduler_config.json", {"thresholding": True}, "thresholding"),
        ("scheduler/scheduler_config.json", {"beta_end": "high"}, "does not say its betas"),
        ("unet/config.json", {"_class_name": "UNet2DConditionModel"}, "more than x_t and t"),
        ("unet/config.json", {"num_class_embeds": 10}, "conditional on a class"),
    ],
)
def test_what_is_no_such_pipeline_is_refused(part, change, said, tmp_path):
    folder = saved(tmp_path / "ddpm")
    file = folder / part
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ModelError, match=said):
        load(folder)


def test_a_pipeline_without_its_scheduler_is_refused(tmp_path):
    folder = saved(tmp_path / "ddpm")
    (folder / "scheduler" / "scheduler_config.json").unlink()
    with pytest.raises(ModelError, match="scheduler"):
        load(folder)
