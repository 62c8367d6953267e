import torch

from genprobe.probes.distortion import distortion


def test_distortion_is_minus_the_log_likelihood():
    log_px_z = torch.randn(3, 4, dtype=torch.float64)
    assert torch.equal(distortion(log_px_z), -log_px_z)


def test_without_a_decoder_there_is_none():
    assert distortion(None) is None
