"""The numbers of ``genprobe evaluate`` against pythae's own modules and torch.distributions."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

import genprobe

SHAPE = (1, 8, 8)
LATENT = 4
DRAWS = 24
NORMAL = ("VAE", "BetaVAE", "BetaTCVAE", "IWAE")
GAUSSIAN = (*NORMAL, "VAMP", "VAE_LinNF", "VAE_IAF")


@pytest.fixture(autouse=True)
def _still():
    with torch.no_grad():
        torch.manual_seed(0)
        yield


def posterior(model, x):
    output = model.encoder(x.reshape(-1, *SHAPE))
    return Independent(Normal(output.embedding, (output.log_covariance / 2).exp()), 1)


def standard():
    return Independent(Normal(torch.zeros(LATENT).double(), torch.ones(LATENT).double()), 1)


def after_flow(model, u):
    """z and the log of the Jacobian by automatic differentiation, of u (m, latent)."""

    def f(rows):
        if hasattr(model, "iaf_flow"):
            return model.iaf_flow.inverse(rows).out
        for layer in model.net:
            rows = layer(rows).out
        return rows

    with torch.enable_grad():
        jacobian = torch.autograd.functional.jacobian(lambda v: f(v).sum(0), u)
    return f(u), torch.linalg.slogdet(jacobian.transpose(0, 1)).logabsdet


def log_prior(model, name, z):
    """log p of the latent that the posterior is over."""
    if name == "VAMP":
        seeds = model.pseudo_inputs(torch.eye(model.number_components).double())
        return MixtureSameFamily(
            Categorical(torch.ones(len(seeds)).double()), posterior(model, seeds)
        ).log_prob(z)
    if name in ("VAE_LinNF", "VAE_IAF"):
        moved, log_det = after_flow(model, z.reshape(-1, LATENT))
        return (standard().log_prob(moved) + log_det).reshape(z.shape[:-1])
    return standard().log_prob(z)


def decoded(model, name, z):
    rows = z.reshape(-1, LATENT)
    if name in ("VAE_LinNF", "VAE_IAF"):
        rows = after_flow(model, rows)[0]
    return model.decoder(rows).reconstruction.reshape(*z.shape[:-1], -1)


def log_likelihood(model, x, reconstruction):
    if model.model_config.reconstruction_loss == "bce":
        return Bernoulli(probs=reconstruction).log_prob(x).sum(-1)
    return Normal(reconstruction, 1.0).log_prob(x).sum(-1)


def mean(values):
    """Mean of (draw, example), and its Monte Carlo standard error for these examples."""
    each = values.var(0) / len(values)
    return values.mean().item(), math.sqrt(each.sum().item()) / values.shape[1]


def require_near(estimate, value, se):
    allowed = 4 * math.hypot(estimate["se"] or 0.0, se) + 1e-5 * abs(value)
    assert abs(estimate["value"] - value) < allowed, (estimate, value, se)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_rate(name, reports, reloaded, binary):
    q, estimate = posterior(reloaded[name], binary), reports[name]["estimates"]["rate"]
    if name in NORMAL:
        assert estimate["se"] in (None, 0)
        assert estimate["value"] == pytest.approx(
            kl_divergence(q, standard()).mean().item(), rel=1e-4
        )
        return
    z = q.sample((DRAWS,))
    value, se = mean(q.log_prob(z) - log_prior(reloaded[name], name, z))
    assert value > 0.05
    require_near(estimate, value, se)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_distortion(name, reports, reloaded, binary):
    z = posterior(reloaded[name], binary).sample((DRAWS,))
    log_px_z = log_likelihood(reloaded[name], binary, decoded(reloaded[name], name, z))
    require_near(reports[name]["estimates"]["distortion"], *mean(-log_px_z))


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_information_by_brute_force(name, reports, reloaded, binary):
    q = posterior(reloaded[name], binary)
    z = q.sample((DRAWS,))
    pairs = q.log_prob(z.unsqueeze(2))
    entropy = Categorical(logits=pairs).entropy()
    value, se = mean(math.log(len(binary)) - entropy)
    require_near(reports[name]["estimates"]["mutual_information"], value, se)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("VAE", 0.0), ("BetaVAE", 32 * math.log(2 * math.pi)), ("VQVAE", 32 * math.log(math.pi))],
)
def test_what_the_loss_of_pythae_leaves_out(name, left_out, reports, reloaded, binary):
    from pythae.data.datasets import DatasetOutput

    x = binary.to(next(reloaded[name].parameters()))
    data = DatasetOutput(data=x.reshape(-1, *SHAPE))
    losses = [reloaded[name](data).recon_loss.item() for _ in range(20)]
    se = float(np.std(losses, ddof=1)) / math.sqrt(len(losses))
    require_near(reports[name]["estimates"]["distortion"], np.mean(losses) + left_out, se)


@pytest.mark.parametrize("name", ["VAE", "BetaVAE"])
def test_the_rate_is_that_of_pythaes_loss(name, reports, reloaded, binary):
    from pythae.data.datasets import DatasetOutput

    loss = reloaded[name](DatasetOutput(data=binary.reshape(-1, *SHAPE))).reg_loss.item()
    assert reports[name]["estimates"]["rate"]["value"] == pytest.approx(loss, rel=1e-4)


def test_the_codes_of_a_vqvae(reports, reloaded, binary):
    from pythae.data.datasets import DatasetOutput

    output = reloaded["VQVAE"](DatasetOutput(data=binary.float().reshape(-1, *SHAPE)))
    codes = output.quantized_indices.reshape(len(binary), -1).numpy()
    _, counts = np.unique(codes, axis=0, return_counts=True)
    share = counts / counts.sum()
    found = reports["VQVAE"]["estimates"]
    assert len(counts) > 1
    assert found["mutual_information"]["value"] == pytest.approx(-(share * np.log(share)).sum())
    assert found["rate"]["value"] == pytest.approx(codes.shape[1] * math.log(5))
    squares = (output.recon_x.reshape(len(binary), -1) - binary).square().sum(1)
    expected = squares + 32 * math.log(math.pi)  # a normal of variance ½ over 64 values
    assert found["distortion"]["value"] == pytest.approx(expected.mean().item(), rel=1e-5)


def test_a_vqvae_in_float64(reports, folders):
    report = genprobe.evaluate(
        folders["VQVAE"], "digits", split="test", binarize="threshold", dtype="float64"
    )
    for name in ("rate", "distortion", "mutual_information"):
        expected = reports["VQVAE"]["estimates"][name]["value"]
        assert report[name].value == pytest.approx(expected, rel=1e-6)


def test_an_svae(reports, reloaded, binary):
    output = reloaded["SVAE"].encoder(binary.reshape(-1, *SHAPE))
    kappa = np.log1p(np.exp(output.log_concentration.squeeze(1).numpy())) + 1
    order = LATENT / 2 - 1
    log_bessel = np.log(scipy.special.ive(order, kappa)) + kappa
    log_norm = order * np.log(kappa) - LATENT / 2 * np.log(2 * np.pi) - log_bessel
    along = scipy.special.ive(order + 1, kappa) / scipy.special.ive(order, kappa)
    surface = np.log(2) + LATENT / 2 * np.log(np.pi) - scipy.special.gammaln(LATENT / 2)
    rate = kappa * along + log_norm + surface
    require_near(reports["SVAE"]["estimates"]["rate"], rate.mean(), 0.0)

    loc = torch.nn.functional.normalize(output.embedding, dim=1).numpy()
    chance = np.random.default_rng(0)
    draws = [
        scipy.stats.vonmises_fisher(*q, seed=chance).rvs(DRAWS)
        for q in zip(loc, kappa, strict=True)
    ]
    draws = torch.tensor(np.stack(draws, 1))
    log_px_z = log_likelihood(reloaded["SVAE"], binary, decoded(reloaded["SVAE"], "SVAE", draws))
    require_near(reports["SVAE"]["estimates"]["distortion"], *mean(-log_px_z))


def test_what_is_known_of_the_training(reports):
    facts = {name: r["provenance"]["training"] for name, r in reports.items()}
    assert facts["VAE"] == {"model": "pythae VAE", "beta": 1.0}
    assert facts["BetaVAE"] == {"model": "pythae BetaVAE", "beta": 0.05}
    assert facts["BetaTCVAE"] == {"model": "pythae BetaTCVAE"}


def test_a_report_is_named_after_the_training_run(reports, folders):
    assert reports["VAE"]["model"] == folders["VAE"].parent.name
    assert reports["VAE"]["model"].startswith("VAE_training_")


def test_a_squared_error_is_judged_beside_constants_of_its_own_scale(folders, binary):
    report = genprobe.evaluate(folders["BetaVAE"], binary)
    mean = binary.mean(0)
    blind = float(-torch.distributions.Normal(mean, 1.0).log_prob(binary).flatten(1).sum(1).mean())
    assert report["blind_distortion"].value < report["distortion"].value < blind
    [notice] = [w for w in report.warnings if w.code == "fixed-scale"]
    assert "The decoder's scale is 1 everywhere" in notice.message
    assert f"below the {blind:.2f} of a constant decoder of its scale" in notice.remedy
    assert "distortion-above-blind" not in [w.code for w in report.warnings]
