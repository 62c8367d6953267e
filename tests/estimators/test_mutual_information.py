import math

import pytest
import torch

import genprobe
from genprobe.estimators.control_variates import prepared
from genprobe.estimators.information_error import information_terms
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.standard_error import (
    degrees_of_freedom,
    interval_factor,
    student_factor,
)


def test_information_is_log_n_less_the_mean_index_entropy(numbers, make_queries):
    log_qz_x, log_qz = numbers(2, 2, 100)
    entropy = numbers(2, 100).sigmoid()
    found = mutual_information(make_queries(1000, log_qz_x, log_qz, index_entropy=entropy))
    assert found.value == pytest.approx(math.log(1000) - entropy.mean().item())
    between, within = entropy.mean(0).var().item(), entropy.var(0).mean().item()
    left_out = math.sqrt(0.9 * between / 100) * interval_factor(entropy.mean(0))
    freedom = degrees_of_freedom(entropy.var(0), len(entropy))
    drawn = math.sqrt(within / 2000) * student_factor(freedom)
    error = math.hypot(left_out, drawn)
    unseen = math.log(2) * math.sqrt(0.9 / 100**2 + 1 / 200**2)
    assert found.se == pytest.approx(math.hypot(error, unseen))
    assert (found.kind, found.n) == ("estimate", 100)


def test_information_lies_between_zero_and_log_n(numbers, make_queries):
    noise = numbers(2, 8)
    most, least = torch.zeros_like(noise), torch.full_like(noise, math.log(8) + 1e-12)
    clear, confused = (
        mutual_information(make_queries(8, noise, noise, index_entropy=entropy))
        for entropy in (most, least)
    )
    assert clear.value == pytest.approx(math.log(8))
    assert confused.value == 0.0
    assert (information_terms(make_queries(20, noise + 5, noise)) == math.log(20)).all()


def test_control_variates_take_off_noise_and_keep_the_mean(numbers, make_queries):
    noise = numbers(2, 1000)
    entropy = math.log(1000) - (1 + 0.01 * numbers(2, 1000) + noise)
    queries = make_queries(1000, noise, noise, index_entropy=entropy)
    found = mutual_information(queries, prepared(noise[..., None]))
    assert found.se < 2e-3
    assert abs(found.value - 1) < 5 * found.se


def heavy_tailed(seed, n):
    """Scalar examples of very different rarity."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 1, generator=generator) * torch.randn(n, 1, generator=generator).exp()


@pytest.mark.seeds
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
