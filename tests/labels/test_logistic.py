"""The regression is the minimum of its loss, and does no worse than plain gradient methods."""

import torch

from genprobe.labels.features import expand
from genprobe.labels.logistic import logistic


def cases(n=600, k=2, classes=3):
    torch.manual_seed(0)
    y = torch.randint(classes, (n,))
    z = torch.randn(n, k).double() + 1.5 * torch.randn(classes, k).double()[y]
    return expand(z, True), y


def test_the_weights_are_a_minimum_of_the_penalised_loss():
    phi, y = cases()
    found = logistic(phi, y, torch.zeros(phi.shape[1], 3).double())
    # The penalty is of the weights of uncorrelated features: here by the covariance.
    covariance = torch.cov(phi[:, 1:].T, correction=0)

    def loss(weights):
        fit = torch.nn.functional.cross_entropy(phi @ weights, y, reduction="sum")
        return fit + (weights[1:] * (covariance @ weights[1:])).sum() / 2

    weights = found.clone().requires_grad_(True)
    optimiser = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = loss(weights)
        value.backward()
        return value

    optimiser.step(closure)
    assert float(loss(found) - loss(weights.detach())) < 1e-3 * len(y) / 100


def test_features_that_are_constant_do_no_harm():
    phi, y = cases()
    wider = torch.cat([phi, torch.ones_like(phi[:, :2])], 1)
    plain = logistic(phi, y, torch.zeros(phi.shape[1], 3).double())
    found = logistic(wider, y, torch.zeros(wider.shape[1], 3).double())
    logs = [(p @ w).log_softmax(1) for p, w in ((phi, plain), (wider, found))]
    torch.testing.assert_close(logs[0], logs[1], atol=0.02, rtol=0)


def test_where_it_begins_does_not_matter():
    phi, y = cases()
    torch.manual_seed(1)
    starts = [torch.zeros(phi.shape[1], 3).double(), torch.randn(phi.shape[1], 3).double()]
    logs = [(phi @ logistic(phi, y, start)).log_softmax(1) for start in starts]
    assert float((logs[0] - logs[1]).abs().mean()) < 0.01
