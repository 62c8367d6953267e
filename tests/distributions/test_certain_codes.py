import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Independent, Normal, Poisson

from genprobe.distributions.certain_codes import CertainCodes, classes_of, kl_of_codes

INDEX = torch.tensor([[3.0, 0.0], [1.0, 1.0]])


def test_all_mass_is_at_the_index():
    q = CertainCodes(INDEX, 5)
    assert (q.sample((7,)) == INDEX).all()
    assert q.sample((7,)).shape == (7, 2, 2)
    assert q.log_prob(INDEX).tolist() == [0.0, 0.0]
    assert q.log_prob(torch.tensor([[3.0, 1.0], [1.0, 1.0]])).tolist() == [-torch.inf, 0.0]
    assert q.entropy().tolist() == [0.0, 0.0]


def test_the_probabilities_of_all_values_sum_to_one():
    q = CertainCodes(INDEX, 5)
    every = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))
    assert q.support.check(every).all()
    assert q.log_prob(every[:, None]).exp().sum(0).tolist() == [1.0, 1.0]


def test_two_codes_diverge_by_nothing_or_without_end():
    other = CertainCodes(torch.tensor([[3.0, 0.0], [2.0, 1.0]]), 5)
    assert kl_of_codes(CertainCodes(INDEX, 5), other).tolist() == [0.0, torch.inf]


def test_a_single_number_is_a_code_too():
    q = CertainCodes(torch.tensor([2.0, 0.0]), 3)
    assert q.log_prob(torch.tensor([[2.0, 1.0]])).tolist() == [[0.0, -torch.inf]]


@pytest.mark.parametrize(
    ("distribution", "classes"),
    [
        (Categorical(logits=torch.zeros(2, 7)), 7),
        (Independent(Categorical(logits=torch.zeros(2, 3, 7)), 1), 7),
        (Bernoulli(torch.tensor([0.5])), 2),
        (CertainCodes(INDEX, 4), 4),
        (Poisson(torch.ones(1)), None),
        (Normal(0.0, 1.0), None),
    ],
)
def test_the_number_of_classes_is_known_where_z_is_of_class_indices(distribution, classes):
    assert classes_of(distribution) == classes
