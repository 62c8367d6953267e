"""The pretend device refuses what CUDA refuses, and counts what makes one wait."""

import numpy as np
import pytest
import torch


def test_it_computes_what_the_cpu_does(device):
    a, b = torch.randn(4, 3), torch.randn(3, 5)
    found = (a.to(device) @ b.to(device)).exp().sum(1)
    assert found.device == device
    torch.testing.assert_close(found.cpu(), (a @ b).exp().sum(1), rtol=0, atol=0)


def test_tensors_of_two_devices_do_not_meet(device):
    with pytest.raises(RuntimeError, match="two devices"):
        torch.ones(2, device=device) + torch.ones(2)
    assert (torch.ones(2, device=device) + torch.tensor(1.0)).device == device


def test_it_does_not_become_an_array(device):
    with pytest.raises(TypeError, match="can't convert"):
        np.asarray(torch.ones(2, device=device))
    with pytest.raises(TypeError, match="can't convert"):
        torch.ones(2, device=device).numpy()


def test_it_changes_in_place(device):
    x = torch.zeros(3, device=device)
    x[1] = 2.0
    x += 1
    x.mul_(2)
    assert x.tolist() == [2.0, 6.0, 2.0]


def test_what_waits_is_counted(device, pretend):
    x = torch.arange(4.0, device=device)
    with pretend.counting() as counts:
        (x + 1).exp_().sum()
    assert not counts.synchronisations
    with pretend.counting() as counts:
        float(x.sum())
        bool((x > 1).any())
        x[x > 1]
        x.cpu()
    assert counts.synchronisations.total() == 4
    assert counts.copied == {"to the host": 16}
    assert counts.largest == 16


def test_it_may_be_without_float64(device, pretend):
    with pretend.without_float64():
        with pytest.raises(TypeError, match="float64"):
            torch.ones(2, dtype=torch.float64, device=device)
        with pytest.raises(TypeError, match="float64"):
            torch.ones(2, device=device).double()
        assert torch.ones(2, device=device).sum().cpu() == 2
