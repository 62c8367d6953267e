"""Tempered shares are a distribution over the classes, whatever other examples there are."""

import torch

from genprobe.labels.class_shares import TEMPERS, tempered


def test_they_are_probabilities_that_are_never_zero():
    others = torch.rand(2, 5, 3).double().softmax(-1)
    others[0, 0] = 0.0  # no other example has any density there
    pi = torch.tensor([0.2, 0.3, 0.5]).double()
    for temper in TEMPERS:
        found = tempered(others, pi, temper)
        torch.testing.assert_close(found.sum(-1), torch.ones(2, 5).double())
        assert (found >= temper * pi - 1e-12).all()
        torch.testing.assert_close(found[0, 0], pi)
