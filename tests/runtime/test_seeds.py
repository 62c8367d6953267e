import itertools

import pytest
import torch

import genprobe
from genprobe.runtime.seeds import derived_seed, generator

N = 3000


def test_seeds_differ_by_seed_and_purpose_and_repeat():
    chosen = list(itertools.product(range(20), ("a", "b"), range(20)))
    seeds = [derived_seed(*purpose) for purpose in chosen]
    assert len(set(seeds)) == len(seeds)
    assert seeds == [derived_seed(*purpose) for purpose in chosen]
    assert all(1 << 20 < seed < 1 << 63 for seed in seeds)
    assert torch.equal(
        torch.rand(3, generator=generator(1, "a")), torch.rand(3, generator=generator(1, "a"))
    )


@pytest.mark.parametrize("seed", range(4))
def test_noise_does_not_repeat_data_made_with_a_small_seed(tmp_path, seed):
    torch.manual_seed(seed)
    x = torch.randn(N, 2)
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": torch.zeros_like(x), "scale": torch.ones_like(x)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    for own in (0, 1, seed):
        path = tmp_path / f"{own}.h5"
        genprobe.evaluate(model, x, seed=own, store=path, estimators={})
        z = genprobe.open_store(path).gather("draws/z", 0, torch.arange(N))
        assert abs((x * z).mean()) < 5 / (2 * N) ** 0.5
