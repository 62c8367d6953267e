import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import Categorical

from genprobe.estimators.control_variates import prepared
from genprobe.estimators.information_error import (
    beyond_first_order,
    data_error_of,
    g_of,
    information_data_error,
    information_terms,
    neighbours,
    spread_of_examples,
    without,
)
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.standard_error import interval_factor
from genprobe.estimators.tail import tail_factor
from genprobe.testing import queries_from

DRAWS = 4
"""Codes of each example, all equally probable: expectations are plain means."""


def discrete(codes, cells):
    """Examples that each have four equally probable codes, as lists of cells; their densities.

    Returns:
        Queries at every code of every example, and the probabilities (n, cells).
    """
    index = torch.tensor(codes)
    probability = torch.nn.functional.one_hot(index, cells).double().mean(1)
    return queries_from(probability.log().T[index.T]), probability


def information(probability):
    """I(n;z) in nats, of equally probable examples with so probable codes (n, cells)."""
    joint = probability / len(probability)
    independent = joint.sum(0) / len(probability)
    return (
        joint.xlogy(joint).sum().item() - (joint.xlogy(independent.expand_as(joint))).sum().item()
    )


def pseudo_values(probability):
    """N I − (N − 1) I without the example, for every example."""
    n, whole = len(probability), information(probability)
    rest = [torch.cat([probability[:i], probability[i + 1 :]]) for i in range(n)]
    return torch.tensor([n * whole - (n - 1) * information(r) for r in rest], dtype=torch.float64)


PAIRS = [[0, 0, 0, 1], [1, 1, 1, 0], [2, 2, 3, 3], [3, 3, 2, 2], [4, 4, 4, 4], [5, 5, 5, 5]]
TRIPLES = [[0, 0, 1, 2], [1, 1, 2, 0], [2, 2, 0, 1], [3, 3, 3, 3], [4, 4, 4, 5], [5, 5, 5, 4]]


@pytest.mark.parametrize(
    ("codes", "near"), [(PAIRS, 1e-9), (TRIPLES, 0.05)], ids=["pairs", "triples"]
)
def test_the_terms_are_the_pseudo_values_of_the_jackknife(codes, near):
    # Equal where what is lost is lost to one other; close where several have unequal shares.
    queries, probability = discrete(codes, 6)
    found = (information_terms(queries) + beyond_first_order(queries)).mean(0)
    truth = pseudo_values(probability)
    assert truth.std() > 0.1
    torch.testing.assert_close(found - found.mean(), truth - truth.mean(), atol=near, rtol=0)


def test_where_many_overlap_the_first_order_is_all():
    torch.manual_seed(1)
    codes = torch.randint(8, (400, DRAWS)).tolist()
    queries, probability = discrete(codes, 8)
    first = information_terms(queries).mean(0)
    truth = pseudo_values(probability)
    torch.testing.assert_close(first - first.mean(), truth - truth.mean(), atol=0.02, rtol=0)
    added = beyond_first_order(queries)
    assert float((added - added.mean()).abs().max()) < 0.02


def test_the_terms_do_not_exceed_log_n():
    queries, _ = discrete([[0] * DRAWS, [1] * DRAWS], 2)
    assert (information_terms(queries) == math.log(2)).all()


@pytest.mark.parametrize("share", [0.9, 0.3, 1e-2, 1e-4, 1e-6, 1e-9])
def test_g_is_its_series(share):
    truth = sum(share**power / power for power in range(2, 400))
    # At SMALL the series is cut after its first term, and log1p has lost eps / share² of it.
    assert g_of(torch.tensor([[share]], dtype=torch.float64)).item() == pytest.approx(
        truth, rel=1e-5
    )


@pytest.mark.parametrize("others", [[1.0], [0.25] * 4, [0.7, 0.2, 0.1]])
@pytest.mark.parametrize("own", [0.1, 0.6])
def test_neighbours_are_the_exponential_of_their_entropy(own, others):
    others = torch.tensor(others, dtype=torch.float64)
    shares = torch.cat([torch.tensor([own]).to(others), (1 - own) * others, torch.zeros(5)])
    found = neighbours(queries_from(shares.log()[None, None]))
    assert found.item() == pytest.approx(Categorical(others).entropy().exp().item())


def test_data_and_draws_add_in_squares():
    assert data_error_of(900.0, 0.5, 100) == pytest.approx(math.hypot(3, 0.5))
    assert data_error_of(900.0, None, 100) is None
    assert data_error_of(math.inf, 0.5, 100) is None


def test_the_noise_of_draws_is_taken_off_the_spread(numbers):
    # Draws that vary four times as much as the examples: 4 in place of 0.25 + 4.
    effects = 0.5 * numbers(4000)
    found = spread_of_examples(effects + 2 * numbers(4, 4000))
    assert abs(found - 0.25) < 4 * 1.25 * math.sqrt(2 / 4000)
    assert spread_of_examples(effects[None]) == pytest.approx(
        effects.var().item() * interval_factor(effects) ** 2
    )
    assert spread_of_examples(effects[None, :1]) == math.inf


def test_a_heavy_tail_widens_what_has_no_cap(numbers):
    heavy = numbers(1000) / numbers(3, 1000).square().mean(0).sqrt()
    terms = heavy.square()[None]
    capped = spread_of_examples(terms, capped=True)
    assert spread_of_examples(terms) == pytest.approx(
        capped * (tail_factor(terms[0]) / interval_factor(terms[0])) ** 2
    )
    assert spread_of_examples(terms) > 1.2 * capped


def test_the_rate_is_paired_by_example(numbers):
    terms = numbers(2, 300)
    rate = terms.mean(0) + 7
    assert spread_of_examples(terms, rate=rate) == 0
    assert spread_of_examples(terms, rate=-rate) > 1


def test_own_controls_explain_draws_and_leave_the_examples(numbers):
    effects, own = numbers(200), numbers(3, 200, 2)
    slopes = torch.tensor([2.0, -1e3]).double()
    cleared = without(effects + own @ slopes, own)
    torch.testing.assert_close(cleared, effects.expand(3, -1))
    assert torch.equal(without(own[..., 0], own[..., :0]), own[..., 0])
    assert torch.equal(without(effects[None], own[:1]), effects[None])


def test_own_controls_are_taken_off_the_terms(numbers):
    own = numbers(2, 200, 1)
    controls = prepared(own)
    effects, noise = 0.1 * numbers(200), 50 * own[..., 0]
    assert spread_of_examples(effects + noise) > 5
    known = spread_of_examples(effects + noise, replace(controls, own=own))
    assert known == pytest.approx(effects.var().item() * interval_factor(effects) ** 2, rel=0.05)


def test_it_is_the_error_of_the_pseudo_values_and_that_of_the_draws():
    queries, probability = discrete(PAIRS, 6)
    error = mutual_information(queries).se
    terms = pseudo_values(probability)
    # Draws of one example differ, and what they add to the spread of the means is taken off.
    noise = (information_terms(queries) + beyond_first_order(queries)).var(0).mean().item() / DRAWS
    spread = max(0.0, terms.var().item() - noise) * interval_factor(terms) ** 2
    found = information_data_error(queries, error)
    assert found == pytest.approx(math.sqrt(spread / 6 + error**2))
    assert information_data_error(queries, None) is None
