from dataclasses import replace

import torch


def test_beta_multiplies_the_likelihood_and_not_the_prior(known):
    target = known.target_from(lambda z, rows: 3 * z[:, 0] + rows, lambda z: -(z[:, 0] ** 2))
    values = replace(target, beta=2.0).at(torch.tensor([[1.0], [2.0]]), torch.tensor([0, 1]))
    assert values.log_px_z.tolist() == [3, 7]
    assert values.log_density.tolist() == [5, 10]
    assert values.gradient.tolist() == [[4], [2]]
