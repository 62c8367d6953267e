from dataclasses import replace

import torch


def test_beta_multiplies_the_likelihood_and_not_the_prior(known):
    target = known.target_from(lambda z, rows: 3 * z[:, 0] + rows, lambda z: -(z[:, 0] ** 2))
    values = replace(target, beta=2.0).at(torch.tensor([[1.0], [2.0]]), torch.tensor([0, 1]))
    assert values.log_px_z.tolist() == [3, 7]
    assert values.log_density.tolist() == [5, 10]
    assert values.gradient.tolist() == [[4], [2]]


def test_what_is_not_finite_has_density_0(known):
    target = known.target_from(lambda z, rows: z[:, 0].log(), lambda z: 1 / z[:, 1])
    z = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    values = target.at(z, torch.zeros(4).long())
    assert values.log_density.tolist() == [1, -torch.inf, -torch.inf, -torch.inf]
