import pytest
import torch
from torch import nn

from genprobe.encoding.placement import on_device

CPU = torch.device("cpu")


def test_weights_lose_nothing_to_an_evaluation_in_less_precision():
    module = nn.Linear(3, 3).double()
    module.register_buffer("mean", torch.rand(3).double())
    before = {k: v.clone() for k, v in module.state_dict().items()}
    with on_device(module, CPU, torch.float32):
        assert {v.dtype for v in module.state_dict().values()} == {torch.float32}
    torch.testing.assert_close(dict(module.state_dict()), before, rtol=0, atol=0)


def test_each_tensor_of_a_module_of_mixed_precision_gets_its_own_dtype_back():
    module = nn.Sequential(nn.Linear(2, 2).double(), nn.BatchNorm1d(2))
    before = {k: v.dtype for k, v in module.state_dict().items()}
    with on_device(module, CPU, torch.float32):
        pass
    assert {k: v.dtype for k, v in module.state_dict().items()} == before


def test_the_module_is_given_back_when_encoding_fails():
    module = nn.Linear(3, 3).train()
    with pytest.raises(ZeroDivisionError), on_device(module, CPU, torch.float64):
        raise ZeroDivisionError
    assert module.training
    assert module.weight.dtype == torch.float32
