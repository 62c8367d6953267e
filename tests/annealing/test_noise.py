import torch
from torch.distributions import Normal

from genprobe.annealing.noise import drawn, seeded


def test_the_global_generator_goes_on_as_if_nothing_had_been_drawn():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = torch.rand(1)
    with seeded(5):
        torch.rand(7)
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)


def test_draws_have_a_path_to_the_parameters():
    loc = torch.zeros(2, requires_grad=True)
    drawn(Normal(loc, torch.ones(2)), 3, 0).sum().backward()
    assert loc.grad.tolist() == [3, 3]
