import pytest
import torch

from genprobe.probes.subset import EXAMPLES, derivative, spread_out, subset


@pytest.mark.parametrize("n", [1, 100, 1024, 5000, 60_000])
def test_about_a_thousand_examples_are_taken_however_the_run_is_cut(n):
    index = torch.arange(n)
    whole = index[subset(index, n)]
    cut = torch.cat([part[subset(part, n)] for part in index.split(700)])
    assert torch.equal(whole, cut)
    assert min(n, EXAMPLES) <= len(whole) <= 2 * EXAMPLES


def test_values_stand_in_their_places_and_nan_elsewhere():
    column = spread_out(torch.tensor([[1.0, 2.0]]), torch.tensor([1, 3]), 4)
    assert column[0, [1, 3]].tolist() == [1.0, 2.0]
    assert column[0, [0, 2]].isnan().all()


def test_derivative_is_each_examples_own():
    epsilon = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    assert derivative(epsilon.square(), epsilon).tolist() == [0.0, 2.0, 4.0]


def test_what_does_not_depend_on_epsilon_has_derivative_zero():
    epsilon, other = (torch.ones(3, requires_grad=True) for _ in range(2))
    assert derivative(torch.ones(3), epsilon).tolist() == [0.0, 0.0, 0.0]
    assert derivative(2 * other, epsilon).tolist() == [0.0, 0.0, 0.0]
