import numpy as np
import torch

from genprobe.encoding.lending import lent


def test_what_is_lent_can_be_changed_without_loss():
    given = {"x": torch.ones(3), "labels": np.ones(3), "inner": {"z": torch.ones(3)}}
    copy = lent(given)
    copy["x"].zero_()
    copy["labels"][:] = 0
    copy["inner"]["z"].zero_()
    del copy["x"]
    assert given["x"].sum() == given["labels"].sum() == given["inner"]["z"].sum() == 3


def test_gradients_flow_through_and_other_things_are_themselves():
    x = torch.ones(3, requires_grad=True)
    (gradient,) = torch.autograd.grad(lent(x).mul_(2).sum(), x)
    assert gradient.tolist() == [2.0] * 3
    assert lent(given := object()) is given
