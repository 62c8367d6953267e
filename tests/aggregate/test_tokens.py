import itertools
import math
from collections import Counter

import pytest
import torch

import genprobe
from genprobe.aggregate import tokens as module
from genprobe.aggregate.tokens import Tokens, log_choose, tokens_of
from genprobe.errors import UnavailableError
from genprobe.families.categorical import categorical
from genprobe.families.codes import codes
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.residual_codes import residual_codes

INDEX = torch.randint(6, (30, 2, 3), generator=torch.Generator().manual_seed(0))
INDEX[:, 1, 2] = 7
INDEX[4, 0, 0] = 9


@pytest.fixture
def tokens():
    return Tokens(INDEX.flatten(1).int(), 12, (2, 3))


@pytest.mark.parametrize("together", [1 << 20, 7])
def test_counts_are_those_by_hand(tokens, together, monkeypatch):
    monkeypatch.setattr(module, "TOGETHER", together)
    rows = INDEX.flatten(1).tolist()
    counts = Counter(token for row in rows for token in row)
    examples = Counter(token for row in rows for token in set(row))
    assert tokens.counts.tolist() == [counts[k] for k in range(12)]
    assert tokens.examples.tolist() == [examples[k] for k in range(12)]
    assert tokens.used == len(counts) == 8
    surprise = [sum(-math.log(counts[t] / 180) for t in row) / 6 for row in rows]
    assert tokens.surprise.tolist() == pytest.approx(surprise)


def test_what_fewer_examples_use_is_the_mean_over_all_choices_of_them():
    few = Tokens(INDEX[:7].flatten(1).int(), 12, (2, 3))
    for m in (1, 2, 5, 7):
        chosen = itertools.combinations(INDEX[:7].flatten(1).tolist(), m)
        used = [len({token for row in rows for token in row}) for rows in chosen]
        assert few.used_in(m) == pytest.approx(sum(used) / len(used))


def test_twice_as_many_examples_use_about_as_many_more_as_was_foretold():
    share = 1 / torch.arange(1, 2001).double()
    random = torch.Generator().manual_seed(0)
    index = torch.multinomial(share, 1600, replacement=True, generator=random).view(400, 4).int()
    half, whole = (Tokens(index[:n], 2000, (4,)) for n in (200, 400))
    assert half.used_in(400) == pytest.approx(whole.used, rel=0.05)
    assert half.used_in(200) == pytest.approx(half.used)


def test_no_more_are_foretold_than_there_are():
    index = torch.arange(10).view(10, 1).int()
    assert Tokens(index, 11, (1,)).unseen <= 1
    assert Tokens(index % 2, 11, (1,)).used_in(20) == 2


def test_a_level_is_a_part_of_the_grid():
    stack = Tokens(INDEX.flatten(1).int(), 12, (2, 3), levels=True)
    assert torch.equal(stack.level(1).index, INDEX[:, 1].int())
    assert stack.level(1).shape == (3,)


def test_the_logarithm_of_a_binomial_coefficient():
    n = torch.tensor([5.0, 9.0]).double()
    assert log_choose(n, 3).exp().tolist() == pytest.approx([10, 84])


def stored(tmp_path, params, **options):
    path = tmp_path / "s.h5"
    genprobe.evaluate_posteriors(params, store=path, estimators={}, **options)
    return genprobe.open_store(path)


def test_they_are_read_from_codes_and_from_one_hot_logits(tmp_path):
    logits = -1e4 * (1 - torch.nn.functional.one_hot(INDEX, 12).float())
    given = {"family": "categorical", "prior": "uniform-categorical"}
    for params, family, options in (
        ({"index": INDEX, "classes": 12}, codes, {}),
        ({"index": INDEX, "classes": 12}, residual_codes, {"family": "residual-codes"}),
        ({"logits": logits}, categorical, given),
    ):
        found = tokens_of(stored(tmp_path / family.name, params, **options), family)
        assert torch.equal(found.index, INDEX.flatten(1).int())
        assert (found.classes, found.shape, found.levels) == (12, (2, 3), family.levels)


def test_others_have_none(tmp_path):
    given = {"family": "categorical", "prior": "uniform-categorical"}
    soft = stored(tmp_path / "soft", {"logits": torch.randn(9, 2, 5)}, **given)
    with pytest.raises(UnavailableError, match="leave open"):
        tokens_of(soft, categorical)
    normal = stored(tmp_path / "normal", {"loc": torch.zeros(9, 2), "scale": torch.ones(9, 2)})
    with pytest.raises(UnavailableError, match="not class indices"):
        tokens_of(normal, diagonal_normal)
