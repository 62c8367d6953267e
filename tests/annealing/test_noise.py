import torch
from torch.distributions import Normal

from genprobe.annealing.noise import drawn


def test_draws_have_a_path_to_the_parameters():
    loc = torch.zeros(2, requires_grad=True)
    drawn(Normal(loc, torch.ones(2)), 3, 0).sum().backward()
    assert loc.grad.tolist() == [3, 3]
