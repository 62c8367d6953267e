import math

import pytest
import torch

import genprobe
from genprobe.estimators.mutual_information import information_terms, mutual_information


def test_information_is_the_mean_of_the_paired_difference(numbers):
    log_qz_x, log_qz = numbers(2, 2, 100)
    terms = log_qz_x + 1 - log_qz
    found = mutual_information(log_qz_x + 1, log_qz, None, 1000)
    assert found.value == pytest.approx(terms.mean().item())
    between, within = terms.mean(0).var().item(), terms.var(0).mean().item()
    assert found.se == pytest.approx(math.sqrt(0.9 * between / 100 + within / 2000))
    assert (found.kind, found.n) == ("estimate", 100)


def test_information_never_exceeds_log_n(numbers):
    log_qz = numbers(2, 100)
    found = mutual_information(log_qz + math.log(8) + 1e-9, log_qz, None, 8)
    assert found.value <= math.log(8)
    assert (information_terms(log_qz + 5, log_qz, 20) == math.log(20)).all()


def test_control_variates_take_off_noise_and_keep_the_mean(numbers):
    noise = numbers(2, 1000)
    log_qz_x = 1 + 0.01 * numbers(2, 1000) + noise
    found = mutual_information(log_qz_x, 0 * noise, noise[..., None], 1000)
    assert found.se < 2e-3
    assert abs(found.value - 1) < 5 * found.se


def heavy_tailed(seed, n):
    """Scalar examples of very different rarity."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 1, generator=generator) * torch.randn(n, 1, generator=generator).exp()


@pytest.mark.parametrize("most", [150, 800], ids=["some of the examples", "each four times"])
def test_se_data_is_the_spread_over_data_sets(most):
    replicates, n = 60, 200
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, 0.5)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    found = [
        genprobe.evaluate(
            model,
            heavy_tailed(seed, n),
            seed=seed,
            tolerance=1e-9,
            max_queries=most,
            estimators={"mutual_information": mutual_information},
        )["mutual_information"]
        for seed in range(replicates)
    ]
    spread = torch.tensor([e.value for e in found]).std().item()
    claimed = sum(e.se_data for e in found) / replicates
    assert abs(spread / claimed - 1) < 4 / math.sqrt(2 * replicates)
