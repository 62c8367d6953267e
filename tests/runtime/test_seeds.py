import itertools

import pytest
import torch

import genprobe
from genprobe.runtime.seeds import derived_seed, generator, random_rows, seeded

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


@pytest.mark.parametrize(("n", "most"), [(1, 1), (5, 9), (40, 10), (1000, 999)])
def test_random_rows_are_different_rows_in_order(n, most):
    rows = random_rows(n, most, 0, "some")
    assert len(rows) == min(n, most)
    assert (rows.diff() > 0).all()
    assert rows.min() >= 0
    assert rows.max() < n


def test_random_rows_are_equally_often_any_row():
    times, runs, n, most = torch.zeros(40), 400, 40, 10
    for seed in range(runs):
        times[random_rows(n, most, seed, "some")] += 1
    share, spread = most / n, (most / n * (1 - most / n) / runs) ** 0.5
    assert ((times / runs - share).abs() < 4 * spread).all()


def test_a_larger_subset_of_random_rows_contains_a_smaller():
    few, many = (set(random_rows(100, most, 3, "some").tolist()) for most in (10, 50))
    assert few < many


def test_the_global_generator_goes_on_as_if_nothing_had_been_drawn():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = torch.rand(1)
    with seeded(5):
        torch.rand(7)
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)
