"""The figure for these N against float64 brute force, and the identity draw by draw."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from genprobe.aggregate.tally import Tallied
from genprobe.labels.index_figure import (
    at_queries,
    cap_of,
    frequencies,
    identity,
    index_information,
    label_entropy,
    saturated,
)

N, DRAWS = 40, 3


@pytest.fixture
def case():
    torch.manual_seed(1)
    loc, scale = torch.randn(N, 2).double(), torch.rand(N, 2).double() + 0.2
    values = np.arange(N) % 4 - 1  # a quarter are missing
    return loc, scale, values


def densities(loc, scale, z):
    """Log densities of every draw under every example (draw, n, n), float64."""
    return Independent(Normal(loc, scale), 1).log_prob(z.double()[:, :, None])


def exactly(queries, columns, loc, scale):
    """The same queries, tallied in float64 from all pairs."""
    import dataclasses

    from genprobe.labels.columns import label_columns

    tally, _ = label_columns([columns.label])
    rows = tally.of(torch.arange(N)).double()
    shares = densities(loc, scale, queries.z).softmax(2).flatten(0, 1)
    moments = torch.special.xlogy(shares, shares) @ rows[:, list(tally.moments)]
    tallied = Tallied(shares @ rows, moments, tally.moments)
    return dataclasses.replace(queries, tallied=tallied)


def brute(loc, scale, values, z):
    """H[q(n|z)], H[q(y|z)] and Σ_y q(y|z) H[q(n|z, y)] over those that have a label."""
    known = values >= 0
    shares = densities(loc, scale, z)[:, known][:, :, known].softmax(2)
    classes = torch.from_numpy(values[known])
    one_hot = torch.nn.functional.one_hot(classes).double()
    by_class = shares @ one_hot
    within = torch.zeros_like(by_class[:, :, 0])
    for c in range(one_hot.shape[1]):
        inside = shares[:, :, classes == c] / by_class[:, :, c, None]
        within += by_class[:, :, c] * torch.special.entr(inside).sum(2)
    return torch.special.entr(shares).sum(2), torch.special.entr(by_class).sum(2), within, classes


def test_the_identity_holds_draw_by_draw_on_the_examples_that_have_a_label(case, queried, label):
    loc, scale, values = case
    queries, [columns] = queried(loc, scale, [label(values)], DRAWS)
    at = at_queries(exactly(queries, columns, loc, scale), columns)
    whole, of_label, within, classes = brute(loc, scale, values, queries.z)
    n = len(classes)
    pi = frequencies(torch.from_numpy(values), 3)
    counts = torch.bincount(classes).double()
    found = identity(at, pi, cap_of(None, n))
    near = {"atol": 1e-9, "rtol": 0}
    torch.testing.assert_close(found.everything, math.log(n) - whole, **near)
    torch.testing.assert_close(found.label, float(torch.special.entr(pi).sum()) - of_label, **near)
    inside = float((pi * counts.log()).sum()) - within
    torch.testing.assert_close(found.remainder, inside, **near)
    torch.testing.assert_close(found.everything, found.label + found.remainder, **near)


def test_the_pass_finds_the_same_to_its_precision(case, queried, label):
    loc, scale, values = case
    queries, [columns] = queried(loc, scale, [label(values)], DRAWS)
    at = at_queries(queries, columns)
    whole, of_label, _, classes = brute(loc, scale, values, queries.z)
    pi = frequencies(torch.from_numpy(values), 3)
    found, _ = index_information(at, pi, len(classes))
    truth = float(torch.special.entr(pi).sum() - of_label.mean())
    assert found.value == pytest.approx(truth, abs=1e-4)
    torch.testing.assert_close(at.index_entropy, whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("scale", "says_nothing"), [(1e-3, True), (1.0, False)])
def test_separated_codes_tell_any_label_and_are_flagged(queried, label, scale, says_nothing):
    torch.manual_seed(0)
    loc = torch.randn(300, 2).double()
    y = torch.randint(4, (300,))
    queries, [columns] = queried(loc, torch.full_like(loc, scale), [label(y.numpy())])
    at, pi = at_queries(queries, columns), frequencies(y, 4)
    found, _ = index_information(at, pi, 300)
    entropy = float(torch.special.entr(pi).sum())
    assert saturated(at, pi, found.value) == says_nothing
    assert (found.value > 0.99 * entropy) == says_nothing


def test_its_error_over_the_data_is_the_spread_over_data_sets(queried, label, normals, information):
    means = torch.tensor([[1.0], [-1.0]]).double()
    found = []
    for seed in range(25):
        y, loc, scale = normals(means, 250, seed)
        queries, [columns] = queried(loc, scale, [label(y.numpy())], seed=seed)
        pi = frequencies(y, 2)
        found.append(index_information(at_queries(queries, columns), pi, 250)[0])
    values = torch.tensor([f.value for f in found])
    stated = sum(f.se_data for f in found) / len(found)
    assert float(values.mean()) >= information(means) - 0.003  # above it in expectation
    assert 0.7 < stated / float(values.std()) < 1.5


def test_the_entropy_of_the_population_is_unbiased():
    p = torch.tensor([0.6, 0.3, 0.1]).double()
    truth = float(torch.special.entr(p).sum())
    torch.manual_seed(0)
    found = []
    for _ in range(2000):
        y = torch.multinomial(p, 60, replacement=True)
        found.append(label_entropy(frequencies(y, 3), 60))
    values = torch.tensor([f.value for f in found])
    assert float(values.mean()) == pytest.approx(
        truth, abs=4 * float(values.std()) / 2000**0.5 + 1e-3
    )
    assert sum(f.se_data for f in found) / 2000 == pytest.approx(float(values.std()), rel=0.1)
