import math

import pytest
import torch
from torch.distributions import Laplace

import genprobe
from genprobe.errors import UnavailableError
from genprobe.estimators.slope import slope

NOISE = 0.5
EIGENVALUES = torch.tensor([6.0, 3.0, 1.5, 0.4])


def optimal(beta):
    """The linear-Gaussian VAE that minimises D + βR (pPCA with θ = βv), and its data."""
    theta = beta * NOISE
    gain = (EIGENVALUES - theta).clamp(min=0).sqrt()
    scale = torch.where(gain > 0, (theta / EIGENVALUES).sqrt(), 1.0)
    model = genprobe.Model(
        name="ppca",
        encode=lambda x: {"loc": x * gain / EIGENVALUES, "scale": scale.expand_as(x)},
        decode=lambda z: {"loc": z * gain, "scale": torch.tensor(math.sqrt(NOISE))},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    return model, torch.randn(4000, 4) * EIGENVALUES.sqrt()


@pytest.mark.parametrize("beta", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_the_slope_of_an_optimal_model_is_its_beta(beta):
    found = genprobe.evaluate(*optimal(beta), estimators={"slope": slope})["slope"]
    assert found.value == pytest.approx(beta, rel=0.02)
    assert abs(found.value - beta) < 4 * found.se_data


def test_its_error_is_that_of_the_ratio():
    answers, draws, n = torch.randn(60, 1, 400).double() * 0.5 - 3, 4, 400
    found = []
    for answer in answers:
        pull = -2 * answer + 0.8 * torch.randn(draws, n).double() + 0.3 * torch.randn(n).double()
        found.append(slope(torch.ones(1, n).double(), answer, pull, n))
    spread = torch.tensor([e.value for e in found]).std().item()
    claimed = sum(e.se_data for e in found) / len(found)
    assert abs(spread / claimed - 1) < 4 / math.sqrt(2 * len(found))


@pytest.mark.parametrize("draws", [2, 4])
def test_its_error_has_the_draws_of_the_rate_in_it(draws):
    n, runs = 200, 400
    answer = 0.5 * torch.randn(n).double() - 3
    pull = -2 * answer + 0.3 * torch.randn(n).double()
    truth = -(pull.mean() / answer.mean()).item()
    rates, found = torch.ones(1, n).double(), []
    for _ in range(runs):
        drawn = Laplace(answer, 1.0).sample((draws,))
        found.append(slope(rates, drawn, pull + 0.1 * torch.randn(draws, n).double(), n))
    held = [abs(e.value - truth) <= 1.96 * e.se for e in found]
    assert sum(held) / runs >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)
    spread = torch.tensor([e.value for e in found]).std().item()
    assert sum(e.se for e in found) / runs < (1 + 4 / math.sqrt(2 * runs)) * spread


@pytest.mark.parametrize(
    ("rate", "answer", "why"), [(0.01, -3.0, "near zero"), (5.0, 0.0, "hardly changes the rate")]
)
def test_where_the_rate_hardly_answers_it_is_undefined(rate, answer, why):
    noise = 0.1 * torch.randn(1, 100).double()
    with pytest.raises(UnavailableError, match=why):
        slope(torch.full((1, 100), rate).double(), answer + noise, noise, 100)
