import torch

from genprobe.likelihoods.normal import normal
from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma
from genprobe.probes.unit_distortion import unit_distortion

LOG_PX_Z = torch.randn(3, 4, dtype=torch.float64)


def test_it_is_minus_the_log_likelihood_at_scale_one():
    assert torch.equal(unit_distortion(normal_optimal_sigma, LOG_PX_Z), -LOG_PX_Z)


def test_without_a_scale_to_fit_there_is_none():
    assert unit_distortion(normal, LOG_PX_Z) is None


def test_without_a_decoder_there_is_none():
    assert unit_distortion(None, None) is None
