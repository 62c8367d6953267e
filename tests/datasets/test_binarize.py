import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genprobe.datasets.binarize import binarize
from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError

N = 40
X = torch.rand(N, 2, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def grey():
    return array_dataset("grey", X)


def test_none_leaves_the_data_alone(grey):
    assert binarize(grey, "none") is grey


def test_threshold_is_above_one_half():
    x = torch.tensor([[0.0, 0.4999, 0.5, 0.5001, 1.0]])
    assert binarize(array_dataset("x", x), "threshold").read(0, 1).tolist() == [[0, 0, 0, 1, 1]]


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.97])
def test_stochastic_bits_have_the_mean_of_the_data(p):
    n = 300 * 100
    bits = binarize(array_dataset("x", torch.full((300, 100), p)), "stochastic", 5).read(0, 300)
    assert ((bits == 0) | (bits == 1)).all()
    assert abs(bits.double().mean().item() - p) < 4 * (p * (1 - p) / n) ** 0.5


def test_stochastic_bits_are_independent_across_examples_and_values():
    bits = (
        binarize(array_dataset("x", torch.full((400, 64), 0.5)), "stochastic").read(0, 400) * 2 - 1
    )
    for a, b in ((bits[1:], bits[:-1]), (bits[:, 1:], bits[:, :-1])):
        assert abs((a * b).mean().item()) < 4 * (a * b).numel() ** -0.5


@given(st.integers(0, N), st.integers(0, N), st.integers(1, N))
def test_bits_do_not_depend_on_how_they_are_read(start, stop, step):
    dataset = binarize(array_dataset("grey", X), "stochastic", 7)
    whole = dataset.read(0, N)
    for low in range(start, stop, step):
        high = min(stop, low + step)
        assert torch.equal(dataset.read(low, high), whole[low:high])


def test_black_and_white_stay(grey):
    x = (X > 0.5).float()
    assert torch.equal(binarize(array_dataset("x", x), "stochastic", 3).read(0, N), x)


@pytest.mark.parametrize("seed", [1, -1, 2**63, 2**70])
def test_another_seed_gives_other_bits(grey, seed):
    first, other = binarize(grey, "stochastic", 0), binarize(grey, "stochastic", seed)
    if seed % 2**64:
        assert not torch.equal(first.read(0, N), other.read(0, N))


def test_the_mode_is_recorded(grey):
    modes = [binarize(grey, mode) for mode in ("none", "threshold", "stochastic")]
    assert [d.binarize for d in modes] == ["none", "threshold", "stochastic"]
    for d in modes:
        assert (d.name, d.n, d.event_shape) == ("grey", N, (2, 3))


@pytest.mark.parametrize("mode", ["threshold", "stochastic"])
@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0, float("nan"), float("inf")])
def test_values_outside_0_to_1_are_told(mode, value):
    x = torch.zeros(4, 2)
    x[2, 1] = value
    dataset = binarize(array_dataset("x", x), mode)
    dataset.read(0, 2)
    with pytest.raises(DataError, match=r"x has values outside \[0, 1\] .*1 and 4.*\n.*none"):
        dataset.read(1, 4)


def test_an_unknown_mode_lists_the_known(grey):
    with pytest.raises(DataError, match=r"'dither'.*\n.*none, threshold, stochastic"):
        binarize(grey, "dither")
