import math

import torch

from genprobe.annealing.jackknife import effective_sample_size, jackknife, log_mean_weight


def test_the_log_mean_weight_of_large_weights_does_not_overflow():
    log_weight = torch.tensor([[1000.0, -1000.0], [1000.0, -1000.0 + math.log(3)]]).double()
    expected = torch.tensor([1000.0, -1000.0 + math.log(2)]).double()
    torch.testing.assert_close(log_mean_weight(log_weight), expected)


def test_one_heavy_chain_of_many_is_one_effective():
    log_weight = torch.tensor([[0.0], [-500.0], [-500.0], [-500.0]]).double()
    torch.testing.assert_close(effective_sample_size(log_weight), torch.tensor([0.25]).double())


def test_the_variance_is_that_over_repeated_draws():
    noise = torch.randn(32, 4000, generator=torch.Generator().manual_seed(0)).double() / 2
    values, variances = jackknife(log_mean_weight, noise)
    torch.testing.assert_close(variances.mean(), values.var(), rtol=0.1, atol=0)


def test_columns_lose_the_same_chain_together():
    weight = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)).double()
    shifted = weight + 5
    _, variances = jackknife(lambda a, b: (b - a).mean(0), weight, shifted)
    torch.testing.assert_close(variances, torch.zeros(3).double())
