import torch

from genprobe.probes.pathwise import derivative


def test_derivative_is_each_examples_own():
    epsilon = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    assert derivative(epsilon.square(), epsilon).tolist() == [0.0, 2.0, 4.0]


def test_what_does_not_depend_on_epsilon_has_derivative_zero():
    epsilon, other = (torch.ones(3, requires_grad=True) for _ in range(2))
    assert derivative(torch.ones(3), epsilon).tolist() == [0.0, 0.0, 0.0]
    assert derivative(2 * other, epsilon).tolist() == [0.0, 0.0, 0.0]
