"""Features of codes: their expectations are those of many draws, and none looks at a label."""

import pytest
import torch

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.full_normal import full_normal
from genprobe.labels.features import MOST_DIMENSIONS, expand, expected, features_of, width


@pytest.mark.parametrize("full", [True, False])
def test_expectations_are_the_means_of_draws(full):
    torch.manual_seed(0)
    mean, variance = torch.randn(3, 4).double(), torch.rand(3, 4).double()
    z = mean + variance.sqrt() * torch.randn(200_000, 3, 4).double()
    phi = expand(z, full)
    error = phi.std(0) / len(z) ** 0.5
    found = expected(mean, variance, full)
    assert ((found - phi.mean(0)).abs() <= 5 * error + 1e-12).all()


def test_z_is_standardised():
    torch.manual_seed(1)
    params = {"loc": 100 + 7 * torch.randn(5000, 3), "scale": torch.full((5000, 3), 3.0)}
    found = features_of(diagonal_normal, params, torch.arange(5000), 0)
    z = found.drawn[:, :, 1:4].flatten(0, 1)
    torch.testing.assert_close(z.mean(0), torch.zeros(3).double(), atol=0.05, rtol=0)
    torch.testing.assert_close(z.std(0), torch.ones(3).double(), atol=0.05, rtol=0)


def test_of_very_many_dimensions_those_that_vary_are_taken():
    torch.manual_seed(0)
    loc = torch.randn(50, MOST_DIMENSIONS + 20)
    loc[:, :20] = 0.0
    found = features_of(
        diagonal_normal, {"loc": loc, "scale": torch.ones_like(loc)}, torch.arange(50), 0
    )
    assert found.k == MOST_DIMENSIONS
    assert found.drawn.shape == (2, 50, width(MOST_DIMENSIONS))
    assert found.expected[:, 1 : 1 + found.k].std(0).min() > 0


def test_dimensions_that_depend_on_each_other_are_taken_from_draws():
    torch.manual_seed(0)
    loc = torch.zeros(4, 2)
    tril = torch.tensor([[1.0, 0.0], [0.9, 0.1]]).expand(4, 2, 2)
    found = features_of(full_normal, {"loc": loc, "scale_tril": tril}, torch.arange(4), 0)
    torch.testing.assert_close(found.expected, found.drawn.mean(0))
