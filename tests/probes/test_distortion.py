import torch

from genprobe.likelihoods.normal import normal
from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma
from genprobe.probes.distortion import distortion

LOG_PX_Z = torch.randn(3, 4, dtype=torch.float64)


def test_distortion_is_minus_the_log_likelihood():
    assert torch.equal(distortion(normal, LOG_PX_Z), -LOG_PX_Z)


def test_without_a_decoder_there_is_none():
    assert distortion(None, None) is None


def test_while_the_scale_is_not_fitted_there_is_none():
    assert distortion(normal_optimal_sigma, LOG_PX_Z) is None
