import math

import numpy as np
import pytest
import scipy.stats
import torch

import genprobe
from genprobe.aggregate.tokens import Tokens
from genprobe.analysis.tokens import corrected_entropy, equal_rows, growing, ranked
from genprobe.estimators.quantities import Quantities
from genprobe.runtime.seeds import generator

INDEX = torch.randint(5, (200, 2, 3), generator=torch.Generator().manual_seed(0))
PARAMS = {"index": INDEX, "classes": 8}


@pytest.fixture(scope="module")
def report():
    return genprobe.evaluate_posteriors(PARAMS, event_shape=(1, 4, 4))


def test_bounds_are_those_of_the_candidates_in_nats_bits_and_bits_a_pixel(report):
    tokens = report.tokens
    names = [bound.candidate for bound in tokens.bounds]
    assert names == ["uniform", "token-histogram", "token-positions", "token-context"]
    assert tokens.bounds[0].nats.value == pytest.approx(6 * math.log(8))
    scores = report.provenance["fitted_prior"]["mean_log_density"]
    for bound in tokens.bounds[1:]:
        assert bound.nats.value == pytest.approx(-scores[bound.candidate], rel=1e-3)
        assert bound.bits_per_token == pytest.approx(bound.nats.value / math.log(2) / 6)
        assert bound.bits_per_pixel == pytest.approx(bound.nats.value / math.log(2) / 16)
        assert 0 < bound.nats.se_data < 0.1
    assert min(b.nats.value for b in tokens.bounds) == pytest.approx(
        report["rate_fitted_prior"].value, abs=0.05
    )


def contexts(grid, classes):
    """The contexts of every token of a grid, by name; beyond the border lies one more class."""
    left = np.pad(grid, ((0, 0), (1, 0)), constant_values=classes)[:, :-1].ravel()
    above = np.pad(grid, ((1, 0), (0, 0)), constant_values=classes)[:-1].ravel()
    around = list(zip(left, above, strict=True))
    found = {"root": [0] * grid.size, "position": range(grid.size), "left": left, "above": above}
    return {name: list(each) for name, each in {**found, "around": around}.items()}


def weighted(single):
    """The weights of some probabilities (contexts, tokens) after thirty steps of EM."""
    weights = np.full(len(single), 1 / len(single))
    for _ in range(30):
        weights = (weights[:, None] * single / (weights @ single)).mean(1)
    return weights


class CountsByHand:
    """Dictionaries of counts of some grids, smoothed as each token left out is predicted best."""

    def __init__(self, grids, classes, single, around):
        self.classes, self.single, self.around = classes, single, around
        self.tables, self.strength = {}, {}
        tokens = [(contexts(g, classes), g.flat, t) for g in grids for t in range(g.size)]
        lower = self.left_out("root", tokens, np.full(len(tokens), 1 / classes))
        if single:
            mixed = np.stack([self.left_out(name, tokens, lower) for name in single])
            self.weights = weighted(mixed)
            lower = self.weights @ mixed
        if around:
            self.left_out("around", tokens, lower)

    def left_out(self, name, tokens, lower):
        table = self.tables[name] = {}
        for at, z, t in tokens:
            table.setdefault(at[name][t], np.zeros(self.classes))[z[t]] += 1
        count = np.array([table[at[name][t]][z[t]] - 1 for at, z, t in tokens])
        total = np.array([table[at[name][t]].sum() - 1 for at, z, t in tokens])
        each = {2.0**e: (count + 2.0**e * lower) / (total + 2.0**e) for e in range(-4, 21)}
        self.strength[name] = max(each, key=lambda a: np.log(each[a]).mean())
        return each[self.strength[name]]

    def smoothed(self, name, at, z, t, lower):
        row = self.tables[name].get(at[name][t], np.zeros(self.classes))
        a = self.strength[name]
        return (row[z[t]] + a * lower) / (row.sum() + a)

    def paid(self, grid):
        at, nats = contexts(grid, self.classes), 0.0
        for t in range(grid.size):
            token = (at, grid.flat, t)
            found = self.smoothed("root", *token, 1 / self.classes)
            if self.single:
                found = self.weights @ [self.smoothed(n, *token, found) for n in self.single]
            nats -= math.log(self.smoothed("around", *token, found) if self.around else found)
        return nats


@pytest.mark.parametrize(
    ("candidate", "single", "around"),
    [
        ("token-histogram", (), False),
        ("token-positions", ("position",), False),
        ("token-context", ("position", "left", "above"), True),
    ],
)
def test_what_a_candidate_pays_is_what_counts_by_hand_give(candidate, single, around):
    random = np.random.default_rng(3)
    grids = random.choice(5, size=(160, 2, 3), p=[0.4, 0.3, 0.2, 0.05, 0.05])
    grids[:, :, 1] = np.where(random.random((160, 1)) < 0.7, grids[:, :, 0], grids[:, :, 1])
    tokens = genprobe.evaluate_posteriors({"index": grids, "classes": 5}).tokens
    fold = (torch.randperm(160, generator=generator(0, "folds")) % 5).numpy()
    fits = [CountsByHand(grids[fold != f], 5, single, around) for f in range(5)]
    paid = np.array([fits[f].paid(grid) for f, grid in zip(fold, grids, strict=True)])
    found = tokens.bound(candidate).nats
    assert found.value == pytest.approx(paid.mean(), rel=1e-12)
    # As much larger as 1.96 errors must be of so few examples.
    assert found.se_data == pytest.approx(paid.std(ddof=1) / math.sqrt(160), rel=0.05)


def test_positions_levels_and_what_is_never_used(report):
    tokens = report.tokens
    flat = INDEX.flatten(1).numpy()
    truth = [scipy.stats.entropy(np.bincount(flat[:, place])) + (5 - 1) / 400 for place in range(6)]
    assert tokens.positions == pytest.approx(truth)
    assert (tokens.used, tokens.unused, tokens.levels) == (5, (5, 6, 7), ())
    assert tokens.growth[-1] == (400, 5.0)
    stack = genprobe.evaluate_posteriors(PARAMS, family="residual-codes").tokens
    level = genprobe.evaluate_posteriors({"index": INDEX[:, 1], "classes": 8})
    assert stack.levels[1].entropy == level["code_entropy"]
    assert stack.levels[1].usage == level["code_usage"]


def test_they_are_absent_where_codes_are_none_or_nobody_asked():
    normal = genprobe.evaluate_posteriors({"loc": torch.randn(200, 2), "scale": torch.ones(200, 2)})
    assert normal.tokens is None
    assert "not class indices" in normal.provenance["absent"]["code_entropy"]
    assert genprobe.evaluate_posteriors(PARAMS, estimators={}).tokens is None


def test_without_fitted_priors_only_what_knows_nothing_is_a_bound():
    from genprobe.estimators.code_entropy import code_entropy

    found = genprobe.evaluate_posteriors(PARAMS, estimators={"code_entropy": code_entropy})
    assert [b.candidate for b in found.tokens.bounds] == ["uniform"]


def test_the_error_of_a_bound_has_that_of_its_own_fits_in_it(report, monkeypatch):
    apart = {"token-context": 3.0}
    monkeypatch.setattr(Quantities, "error_of_candidate", lambda self, name: apart.get(name, 0.0))
    found = genprobe.evaluate_posteriors(PARAMS, event_shape=(1, 4, 4)).tokens.bounds
    for bound, before in zip(found, report.tokens.bounds, strict=True):
        errors = (bound.nats.se, bound.nats.se_data)
        if bound.candidate in apart:
            assert min(errors) > 3.0
        else:
            assert errors == (before.nats.se, before.nats.se_data)


def test_few_examples_have_no_error_over_the_data():
    few = genprobe.evaluate_posteriors({"index": INDEX[:50], "classes": 8})
    assert few["code_entropy"].se_data is None
    assert {b.nats.se_data for b in few.tokens.bounds[1:]} == {None}


def test_equal_vectors_are_grouped():
    book = torch.tensor([[1.0, 2], [3, 4], [1, 2], [5, 6], [3, 4], [1, 2]])
    assert equal_rows(book) == ((0, 2, 5), (1, 4))


def test_points_of_the_growth_begin_with_one_example():
    assert growing(1) == [1, 2]
    assert growing(5) == [1, 2, 5, 10]


def test_the_entropy_of_one_class_is_nothing():
    assert corrected_entropy(torch.zeros(9).int()) == 0


def test_ranks_are_of_the_sorted_counts_and_few_where_classes_are_many():
    few = dict(ranked(Tokens(INDEX.flatten(1).int(), 8, (2, 3))))
    counts = np.sort(np.bincount(INDEX.flatten().numpy(), minlength=8))[::-1]
    assert few == dict(enumerate(counts, 1))
    index = torch.randint(5000, (300, 40), generator=torch.Generator().manual_seed(1)).int()
    many = dict(ranked(Tokens(index, 1 << 16, (40,))))
    counts = np.sort(np.bincount(index.flatten().numpy(), minlength=1 << 16))[::-1]
    assert len(many) < 256
    assert {1, 2, 3, 1 << 16} <= many.keys()
    assert all(count == counts[rank - 1] for rank, count in many.items())
