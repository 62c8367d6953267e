"""Diffusion models from data to report: normal data in closed form, and a network step by step."""

import math

import pytest
import torch

import genprobe
from genprobe import Diffusion, Model, Report

LINEAR = torch.linspace(1e-4, 0.3, 30).double()


def levels(beta):
    kept = (1 - beta).cumprod(0)
    return kept.sqrt(), (1 - kept).sqrt()


class Denoiser(torch.nn.Module):
    """A small network: ε̂ from x_t and t/T."""

    def __init__(self, values=64, steps=30):
        super().__init__()
        self.steps = steps
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(values + 1, 128), torch.nn.SiLU(), torch.nn.Linear(128, values)
        )

    def forward(self, x, t):
        return self.layers(torch.cat([x, t[:, None].to(x) / self.steps], 1))


@pytest.fixture(scope="module")
def trained():
    """A DDPM of the digits: its network, and the model."""
    alpha, sigma = (each.float() for each in levels(LINEAR))
    x = 2 * genprobe.open_dataset("digits").read(0, 1797).float() - 1
    torch.manual_seed(0)
    network = Denoiser()
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(400):
        rows, t = torch.randint(0, len(x), (128,)), torch.randint(0, 30, (128,))
        noise = torch.randn(128, 64)
        state = alpha[t][:, None] * x[rows] + sigma[t][:, None] * noise
        optimiser.zero_grad()
        (network(state, t) - noise).square().mean().backward()
        optimiser.step()
    return network


def ddpm(network, **options):
    alpha, sigma = levels(LINEAR)
    chain = Diffusion(alpha=alpha, sigma=sigma, denoise=network, mean=0.5, std=0.5, **options)
    likelihood = genprobe.discretised_normal_of(17)
    return Model(name="ddpm", diffusion=chain, likelihood=likelihood, module=network)


def every_step(network, x, draws, clip, variance):
    """−log p(x) by all steps in turn, from the definition, nats (n,): float64, by two normals."""
    alpha, sigma = levels(LINEAR)
    x_0 = 2 * x.double() - 1
    top = torch.distributions.kl_divergence(
        torch.distributions.Normal(alpha[-1] * x_0, sigma[-1]),
        torch.distributions.Normal(torch.zeros_like(x_0), 1.0),
    ).sum(1)
    total = top.clone()
    for _ in range(draws):
        for t in range(30):
            noise = torch.randn_like(x_0)
            state = alpha[t] * x_0 + sigma[t] * noise
            with torch.no_grad():
                given = network(state.float(), torch.full((len(x),), t)).double()
            expected = (state - sigma[t] * given) / alpha[t]
            if clip:
                expected = expected.clamp(-clip, clip)
            if t == 0:
                step = bins(x, expected, float(sigma[0]))
            else:
                step = two_normals(x_0, expected, state, t, alpha, sigma, variance)
            total += step / draws
    return total


def bins(x, expected, scale):
    """−log of the mass of the bin around 2x − 1, of width 2/16, the outer two open."""
    y, half = 2 * x.double() - 1, 1 / 16
    normal = torch.distributions.Normal(expected, scale)
    upper = torch.where(y > 1 - half, torch.ones_like(y), normal.cdf(y + half))
    lower = torch.where(y < half - 1, torch.zeros_like(y), normal.cdf(y - half))
    return -(upper - lower).clamp(min=1e-300).log().sum(1)


def two_normals(x_0, expected, state, t, alpha, sigma, variance):
    """KL(q(x_s|x_t,x_0) ‖ p(x_s|x_t)) of step t, by torch's KL."""
    a = alpha[t] / alpha[t - 1]
    left = sigma[t] ** 2 - a**2 * sigma[t - 1] ** 2
    own = left * sigma[t - 1] ** 2 / sigma[t] ** 2

    def mean(x):
        return (
            alpha[t - 1] * left / sigma[t] ** 2 * x + a * sigma[t - 1] ** 2 / sigma[t] ** 2 * state
        )

    q = torch.distributions.Normal(mean(x_0), own.sqrt())
    p = torch.distributions.Normal(mean(expected), (left if variance == "upper" else own).sqrt())
    return torch.distributions.kl_divergence(q, p).sum(1)


@pytest.mark.parametrize(("variance", "clip"), [("posterior", None), ("upper", 1.0)])
def test_a_small_ddpm_costs_what_all_its_steps_in_turn_do(trained, variance, clip):
    x = genprobe.open_dataset("digits").read(0, 50).float()
    model = ddpm(trained, variance=variance, clip=clip)
    report = genprobe.evaluate(model, x, device="cpu", tolerance=0.004)
    torch.manual_seed(9)
    halves = [every_step(trained, x, 20, clip, variance) for _ in range(2)]
    truth = float(sum(halves).mean()) / 2
    own = float((halves[0] - halves[1]).std()) / 2 / math.sqrt(len(x))
    assert abs(-report["elbo"].value - truth) < 4.5 * math.hypot(report["elbo"].se, own)
    # The tolerance is in bits a value, or a share of the rate.
    assert report["elbo"].se < 1.5 * 0.004 * max(64 * math.log(2), report["rate"].value)
    assert abs(report["elbo"].value + report["rate"].value + report["distortion"].value) < 1e-9


def normal_model(dimensions, steps=50):
    alpha, sigma = levels(torch.linspace(0.1 / steps, 20 / steps, steps).double())
    variances = torch.logspace(0, -2, dimensions).double()

    def denoise(x, t):
        a, s = alpha[t].to(x)[:, None], sigma[t].to(x)[:, None]
        return a * variances.to(x) * x / (a**2 * variances.to(x) + s**2)

    chain = Diffusion(alpha=alpha, sigma=sigma, denoise=denoise, predicts="x")
    return Model(name="normal", diffusion=chain, likelihood="normal"), variances, alpha, sigma


def normal_data(variances, n, seed):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, len(variances), generator=generator, dtype=torch.float64)
    return (noise * variances.sqrt()).float()


@pytest.mark.parametrize("steps", [50, 1000])
def test_the_bound_of_normal_data_is_its_closed_form(steps):
    model, spread, alpha, sigma = normal_model(16, steps)
    report = genprobe.evaluate(model, normal_data(spread, 400, 0), device="cpu", tolerance=0.003)
    snr, variance = (alpha / sigma) ** 2, sigma[0] ** 2
    top = (alpha[-1] ** 2 * spread + sigma[-1] ** 2 - 1 - (sigma[-1] ** 2).log()).sum() / 2
    steps_cost = ((snr[:-1] - snr[1:])[:, None] * spread / (1 + spread * snr[1:, None])).sum() / 2
    left = (spread / (1 + spread * snr[0])).sum()
    decoder = left / (2 * variance) + 8 * math.log(2 * math.pi * float(variance))
    for name, truth in (
        ("rate", top + steps_cost),
        ("distortion", decoder),
        ("elbo", -(top + steps_cost + decoder)),
    ):
        assert abs(report[name].value - float(truth)) < 4.5 * report[name].se_data, name
    assert report.levels[0]["rate"].value == pytest.approx(float(top), abs=1e-4)
    total = sum(level["rate"].value for level in report.levels)
    assert total == pytest.approx(report["rate"].value, rel=1e-9)
    first, last = report.progressive.points[0], report.progressive.points[-1]
    assert first.rate == report.progressive.points[0].rate
    assert last.rate.value == pytest.approx(report["rate"].value, rel=1e-9)
    assert last.distortion.unit == "squared error"
    assert abs(last.distortion.value - float(left)) < 4.5 * last.distortion.se_data
    again = Report.from_json(report.to_json())
    assert (again.levels, again.progressive) == (report.levels, report.progressive)


def test_units_of_the_data_change_the_density_by_their_scale():
    model, spread, *_ = normal_model(4)
    x = normal_data(spread, 100, 3)
    plain = genprobe.evaluate(model, x, device="cpu", seed=1)
    chain = model.diffusion
    moved = Diffusion(
        alpha=chain.alpha, sigma=chain.sigma, denoise=chain.denoise, predicts="x", mean=3.0, std=2.0
    )
    other = Model(name="moved", diffusion=moved, likelihood="normal")
    scaled = genprobe.evaluate(other, 3 + 2 * x, device="cpu", seed=1)
    assert scaled["rate"].value == pytest.approx(plain["rate"].value, rel=1e-4)
    assert scaled["distortion"].value == pytest.approx(
        plain["distortion"].value + 4 * math.log(2), abs=1e-3
    )
    pairs = zip(scaled.progressive.points, plain.progressive.points, strict=True)
    for point, before in pairs:
        assert point.distortion.value == pytest.approx(4 * before.distortion.value, rel=1e-3)
