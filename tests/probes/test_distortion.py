import numpy as np
import torch

from genprobe.likelihoods.normal import normal
from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma
from genprobe.loaders.recorded import from_posteriors
from genprobe.probes.distortion import distortion

PARAMS = {"loc": np.zeros((9, 2)), "scale": np.ones((9, 2))}
INDEX = torch.arange(3, 7)
LOG_PX_Z = torch.randn(3, 4, dtype=torch.float64)


def test_distortion_is_minus_the_log_likelihood():
    assert torch.equal(distortion(from_posteriors(PARAMS), normal, INDEX, LOG_PX_Z), -LOG_PX_Z)


def test_without_a_decoder_there_is_none():
    assert distortion(from_posteriors(PARAMS), None, INDEX, None) is None


def test_while_the_scale_is_not_fitted_there_is_none():
    model = from_posteriors(PARAMS)
    assert distortion(model, normal_optimal_sigma, INDEX, LOG_PX_Z) is None


def test_without_a_decoder_it_is_what_was_recorded_of_these_examples():
    kept = np.arange(18.0).reshape(2, 9)
    found = distortion(from_posteriors(PARAMS, distortion=kept), None, INDEX, None)
    assert np.array_equal(found, kept[:, 3:7])
