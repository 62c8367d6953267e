import pytest
import torch
from torch.distributions import Normal, constraints

from genprobe.errors import ModelError
from genprobe.likelihoods.parameters import (
    one_example,
    parameter,
    precise,
    sum_last,
    times_log,
    times_log1m,
)


def test_parameters_become_float64_and_keep_their_gradient():
    rate = torch.tensor([1.5, 2.5], requires_grad=True)
    found = parameter("mine", {"rate": rate}, "rate", constraints.positive)
    assert found.dtype == torch.float64
    assert torch.equal(torch.autograd.grad(found.sum(), rate)[0], torch.ones(2))


def test_a_device_without_float64_keeps_its_own(monkeypatch):
    class Elsewhere:
        device = torch.device("mps")

    values = Elsewhere()
    assert precise(values) is values


def test_a_missing_parameter_is_named_with_those_there_are():
    with pytest.raises(ModelError, match="gives loc; the likelihood mine needs scale"):
        parameter("mine", {"loc": torch.zeros(2)}, "scale")


@pytest.mark.parametrize(
    ("constraint", "value", "words"),
    [
        (constraints.positive, 0.0, "a scale of 0; under the likelihood mine it must be > 0"),
        (constraints.nonnegative, -0.5, "a scale of -0.5; .* it must be ≥ 0"),
        (constraints.real, float("nan"), "a scale of nan; .* it must be a number"),
        (constraints.unit_interval, 2.0, "a scale of 2; .* it must be in .0, 1."),
    ],
)
def test_a_value_that_is_not_allowed_is_named(constraint, value, words):
    with pytest.raises(ModelError, match=words):
        parameter("mine", {"scale": torch.tensor([1.0, value])}, "scale", constraint)


def test_single_values_become_whole_examples():
    p = one_example(Normal(torch.zeros(4, 2, 3), 1.0))
    assert (p.batch_shape, p.event_shape) == ((4,), (2, 3))


def test_a_count_of_nothing_costs_nothing_whatever_its_probability():
    p = torch.tensor([0.0, 0.5], requires_grad=True)
    found = times_log(torch.tensor([0.0, 2.0]), p)
    assert found.tolist() == [0, 2 * torch.tensor(0.5).log().item()]
    assert torch.autograd.grad(found.sum(), p)[0].tolist() == [0, 4]
    assert times_log(torch.ones(1), torch.zeros(1)).item() == -torch.inf


def test_nor_does_it_whatever_the_probability_of_the_opposite():
    p = torch.tensor([1.0, 0.5], requires_grad=True)
    found = times_log1m(torch.tensor([0.0, 2.0]), p)
    assert found.tolist() == [0, 2 * torch.tensor(0.5).log().item()]
    assert torch.autograd.grad(found.sum(), p)[0].tolist() == [0, -4]
    assert times_log1m(torch.ones(1), torch.ones(1)).item() == -torch.inf


@pytest.mark.parametrize("axes", [0, 1, 2])
def test_the_last_axes_are_summed(axes):
    assert sum_last(torch.ones(5, 2, 3), axes).shape == (5, 2, 3)[: 3 - axes]
    assert sum_last(torch.ones(5, 2, 3), axes).sum() == 30
