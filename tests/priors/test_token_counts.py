import itertools
import math
from collections import Counter

import pytest
import torch

from genprobe.errors import ModelError
from genprobe.priors import token_counts
from genprobe.priors.token_counts import fit_tokens, token_prior, weights_of
from genprobe.priors.token_tables import ABOVE, AROUND, BEFORE, LEFT, POSITION
from genprobe.types import Codes

K = 3
SHAPE = torch.Size([2, 3])
CONTEXTS = {
    "histogram": (),
    "positions": (POSITION,),
    "context": (POSITION, LEFT, ABOVE, BEFORE, AROUND),
}


def rows_that_repeat(n, shape=SHAPE, classes=K, seed=0):
    """Grids whose tokens stay as they are along a row, four times of five."""
    random = torch.Generator().manual_seed(seed)
    z = torch.randint(classes, (n, *shape), generator=random)
    for j in range(1, shape[-1]):
        stay = torch.rand(z[..., j].shape, generator=random) < 0.8
        z[..., j] = torch.where(stay, z[..., j - 1], z[..., j])
    return z


def codes_of(z, classes=K, levels=False):
    mean = z.flatten(1).double()
    return Codes(
        mean=mean,
        variance=torch.zeros_like(mean),
        event_shape=z.shape[1:],
        classes=classes,
        levels=levels,
    )


def by_hand(params, train, grid, contexts):
    """The probability of one grid of two axes, from dictionaries of counts in float64."""
    rows, columns = SHAPE

    def given(z, i, j):
        left = int(z[i, j - 1]) if j else "border"
        above = int(z[i - 1, j]) if i else "border"
        known = {"root": 0, POSITION: (i, j), LEFT: left, ABOVE: above, AROUND: (left, above)}
        return {name: known[name] for name in ("root", *contexts)}

    pairs, totals = Counter(), Counter()
    for z in train:
        for i, j in itertools.product(range(rows), range(columns)):
            for name, context in given(z, i, j).items():
                pairs[name, context, int(z[i, j])] += 1
                totals[name, context] += 1
    found = 0.0
    for i, j in itertools.product(range(rows), range(columns)):
        token, now = int(grid[i, j]), given(grid, i, j)

        def smoothed(name, lower, token=token, now=now):
            a = float(params[f"{name}_concentration"])
            count, total = pairs[name, now[name], token], totals[name, now[name]]
            return (count + a * lower) / (total + a)

        p = smoothed("root", 1 / K)
        singles = [smoothed(name, p) for name in contexts if name != AROUND]
        if singles:
            p = sum(w * q for w, q in zip(params["weights"].tolist(), singles, strict=True))
        found += math.log(smoothed(AROUND, p) if AROUND in contexts else p)
    return found


@pytest.mark.parametrize("kind", CONTEXTS)
def test_probabilities_are_those_of_a_count_by_hand(kind):
    train, test = rows_that_repeat(80), rows_that_repeat(12, seed=1)
    contexts = [name for name in CONTEXTS[kind] if name != BEFORE]
    params = fit_tokens(codes_of(train), contexts, 0)
    found = token_prior(kind, SHAPE, params).log_prob(test.float())
    truth = torch.tensor(
        [by_hand(params, train, grid, contexts) for grid in test], dtype=torch.float64
    )
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", CONTEXTS)
@pytest.mark.parametrize("levels", [False, True])
def test_all_grids_together_have_probability_one(kind, levels):
    shape = torch.Size([2, 2, 2]) if levels else SHAPE
    train = rows_that_repeat(60, shape)
    params = fit_tokens(codes_of(train, levels=levels), CONTEXTS[kind], 0)
    every = torch.cartesian_prod(*[torch.arange(float(K))] * shape.numel()).view(-1, *shape)
    total = token_prior(kind, shape, params).log_prob(every).exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("kind", CONTEXTS)
def test_draws_are_as_frequent_as_their_probability(kind):
    shape = torch.Size([2, 2])
    prior = token_prior(kind, shape, fit_tokens(codes_of(rows_that_repeat(60, shape)), (), 0))
    every = torch.cartesian_prod(*[torch.arange(float(K))] * 4).view(-1, *shape)
    torch.manual_seed(0)
    z = prior.sample(4000)
    assert z.shape == (4000, 2, 2)
    index = (z.flatten(1) @ (K ** torch.arange(3.0, -1, -1)).double()).long()
    counts = torch.bincount(index, minlength=K**4)
    expected = 4000 * prior.log_prob(every).exp()
    chi = float(((counts - expected).square() / expected).sum())
    assert abs(chi - (K**4 - 1)) < 4 * math.sqrt(2 * (K**4 - 1))


def test_neighbours_pay_where_rows_repeat_and_cost_next_to_nothing_where_not():
    test = rows_that_repeat(2000, seed=1)
    found = {}
    for kind, contexts in CONTEXTS.items():
        params = fit_tokens(codes_of(rows_that_repeat(2000)), contexts, 0)
        found[kind] = -float(token_prior(kind, SHAPE, params).log_prob(test.float()).mean())
    stay, leave = 0.8 + 0.2 / K, 0.2 / K
    entropy = 2 * math.log(K) - 4 * (stay * math.log(stay) + 2 * leave * math.log(leave))
    assert found["context"] == pytest.approx(entropy, abs=0.12)
    assert found["histogram"] == pytest.approx(6 * math.log(K), abs=0.02)
    random = torch.randint(K, (2000, *SHAPE), generator=torch.Generator().manual_seed(3))
    params = fit_tokens(codes_of(random), CONTEXTS["context"], 0)
    again = torch.randint(K, (2000, *SHAPE), generator=torch.Generator().manual_seed(4))
    lost = -float(token_prior("context", SHAPE, params).log_prob(again.float()).mean())
    assert lost == pytest.approx(6 * math.log(K), abs=0.02)


def test_a_level_that_repeats_the_one_before_costs_nothing_more():
    z = torch.randint(8, (3000, 1, 4), generator=torch.Generator().manual_seed(0)).repeat(1, 2, 1)
    params = fit_tokens(codes_of(z, 8, levels=True), (BEFORE,), 0)
    found = token_prior("token-levels", z.shape[1:], params).log_prob(z.float()).mean()
    assert -float(found) == pytest.approx(4 * math.log(8), abs=0.05)


def test_a_table_that_is_too_large_loses_its_rarest_entries_and_stays_a_probability(monkeypatch):
    monkeypatch.setattr(token_counts, "MOST_KEYS", 12)
    params = fit_tokens(codes_of(rows_that_repeat(60)), CONTEXTS["context"], 0)
    assert all(len(v) <= 12 for k, v in params.items() if k.endswith("_keys"))
    every = torch.cartesian_prod(*[torch.arange(float(K))] * 6).view(-1, *SHAPE)
    total = token_prior("t", SHAPE, params).log_prob(every).exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-12)


def test_weights_are_those_that_no_others_are_likelier_than():
    each = torch.rand(2, 500, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = weights_of(each)
    grid = torch.linspace(0, 1, 101, dtype=torch.float64)
    scores = torch.stack([(w * each[0] + (1 - w) * each[1]).log().mean() for w in grid])
    assert float(found.sum()) == pytest.approx(1)
    assert float(found[0]) == pytest.approx(float(grid[scores.argmax()]), abs=0.02)


def test_tensors_of_another_shape_or_none_are_refused():
    params = fit_tokens(codes_of(rows_that_repeat(10)), (), 0)
    with pytest.raises(ModelError, match=r"over z of shape \(2, 3\).*\(4,\)"):
        token_prior("token-histogram", torch.Size([4]), params)
    with pytest.raises(ModelError, match="needs the tensor classes"):
        token_prior("token-histogram", SHAPE, {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("root_keys", [2, 1, 0]),
        ("root_counts", [-1, 1, 1]),
        ("root_counts", [1]),
        ("weights", [2.0]),
        ("weights", [0.5, 0.5]),
        ("position_concentration", 0.0),
    ],
)
def test_tensors_that_no_counts_have_are_refused(key, value):
    params = fit_tokens(codes_of(rows_that_repeat(10)), (POSITION,), 0)
    with pytest.raises(ModelError, match=f"a {key} that no counts have"):
        token_prior("token-positions", SHAPE, {**params, key: torch.tensor(value)})


def test_an_index_that_is_no_class_is_refused():
    prior = token_prior("t", SHAPE, fit_tokens(codes_of(rows_that_repeat(10)), (), 0))
    with pytest.raises(ModelError, match="from 0 to 2; z has the value 3"):
        prior.log_prob(torch.full((1, *SHAPE), 3.0))
