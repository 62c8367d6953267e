import numpy as np
import torch

from genprobe.loaders.posteriors import from_posteriors
from genprobe.probes.distortion import distortion

PARAMS = {"loc": np.zeros((9, 2)), "scale": np.ones((9, 2))}
INDEX = torch.arange(3, 7)


def test_distortion_is_minus_the_log_likelihood():
    log_px_z = torch.randn(3, 4, dtype=torch.float64)
    assert torch.equal(distortion(from_posteriors(PARAMS), INDEX, log_px_z), -log_px_z)


def test_without_a_decoder_there_is_none():
    assert distortion(from_posteriors(PARAMS), INDEX, None) is None


def test_without_a_decoder_it_is_what_was_recorded_of_these_examples():
    kept = np.arange(18.0).reshape(2, 9)
    found = distortion(from_posteriors(PARAMS, distortion=kept), INDEX, None)
    assert np.array_equal(found, kept[:, 3:7])
