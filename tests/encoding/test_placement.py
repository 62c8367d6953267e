"""What a model's modules are while it is evaluated, and that they come back as they were."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from genprobe.encoding.placement import in_evaluation
from genprobe.priors.standard_normal import build
from genprobe.types import Model, Prior

CPU = torch.device("cpu")


def model_of(encode, **parts):
    named = {"posterior": "diagonal-normal", "prior": "standard-normal"} | parts
    return Model(name="m", encode=encode, **named)


def owner_of(module):
    return model_of(module.forward, module=module)


def test_weights_lose_nothing_to_an_evaluation_in_less_precision():
    module = nn.Linear(3, 3).double()
    module.register_buffer("mean", torch.rand(3).double())
    before = {k: v.clone() for k, v in module.state_dict().items()}
    with in_evaluation(owner_of(module), CPU, torch.float32):
        assert {v.dtype for v in module.state_dict().values()} == {torch.float32}
    torch.testing.assert_close(dict(module.state_dict()), before, rtol=0, atol=0)


def test_each_tensor_of_a_module_of_mixed_precision_gets_its_own_dtype_back():
    module = nn.Sequential(nn.Linear(2, 2).double(), nn.BatchNorm1d(2))
    before = {k: v.dtype for k, v in module.state_dict().items()}
    with in_evaluation(owner_of(module), CPU, torch.float32):
        pass
    assert {k: v.dtype for k, v in module.state_dict().items()} == before


def test_the_module_is_given_back_when_encoding_fails():
    module = nn.Linear(3, 3).train()
    with pytest.raises(ZeroDivisionError), in_evaluation(owner_of(module), CPU, torch.float64):
        raise ZeroDivisionError
    assert module.training
    assert module.weight.dtype == torch.float32


def test_modules_that_only_functions_reach_are_in_evaluation_mode_and_keep_their_dtype():
    encoder, decoder, flow = nn.Dropout(), nn.Linear(2, 2).double(), nn.BatchNorm1d(2)
    made = build(torch.Size([2]), {})
    own = Prior(name="own", log_prob=lambda z: flow(z), sample=made.sample, kl=made.kl)
    model = model_of(
        lambda x: encoder(x), decode=lambda z: decoder(z), likelihood="normal", prior=own
    )
    decoder.eval()
    with in_evaluation(model, CPU, torch.float32):
        assert [m.training for m in (encoder, decoder, flow)] == [False] * 3
        assert decoder.weight.dtype == torch.float64
    assert (encoder.training, decoder.training, flow.training) == (True, False, True)


def test_a_module_beside_the_one_that_is_named_is_in_evaluation_mode_too():
    encoder, decoder = nn.Linear(2, 4), nn.Dropout()
    model = model_of(encoder.forward, decode=decoder.forward, likelihood="normal", module=encoder)
    with in_evaluation(model, CPU, torch.float32):
        assert not decoder.training
    assert decoder.training


class Counting(nn.Module):
    """Keeps statistics whatever its mode, in two buffers that are one tensor."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("again", self.mean)
        self.register_buffer("var", torch.ones(2))

    def forward(self, x):
        return functional.batch_norm(x, self.mean, self.var, training=True)


def test_statistics_that_are_kept_while_it_is_called_are_not_kept_in_the_users_buffers():
    module = Counting()
    before = copy.deepcopy(module.state_dict())
    with in_evaluation(model_of(module.forward), CPU, torch.float32):
        module(torch.rand(5, 2) + 3)
        assert module.mean.sum() > 0
        assert module.again is module.mean
    torch.testing.assert_close(dict(module.state_dict()), dict(before), rtol=0, atol=0)
    assert module.again is module.mean


def test_an_exported_program_which_has_one_mode_is_left_alone():
    program = torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)).module()
    with in_evaluation(model_of(lambda x: program(x)), CPU, torch.float32):
        program(torch.ones(1, 2))
