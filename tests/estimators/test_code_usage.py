import numpy as np
import torch

from genprobe.aggregate.tokens import Tokens
from genprobe.estimators.code_usage import code_usage

SHARES = 1 / np.arange(1, 201)
SHARES /= SHARES.sum()


def source(seed, n):
    random = np.random.default_rng(seed)
    return Tokens(torch.from_numpy(random.choice(200, (n, 3), p=SHARES)).int(), 250, (3,))


def test_it_is_the_share_of_the_classes_that_are_there():
    tokens = source(0, 100)
    found = code_usage(tokens)
    assert found.value == len(set(tokens.index.flatten().tolist())) / 250
    assert (found.kind, found.se) == ("exact", 0.0)


def test_its_error_is_that_of_other_samples_of_as_many_examples():
    truth = np.mean([1 - (1 - SHARES) ** 300]) * 200 / 250
    found = [code_usage(source(seed, 100)) for seed in range(300)]
    held = np.mean([abs(e.value - truth) <= 1.96 * e.se_data for e in found])
    assert 0.9 <= held <= 1.0
    spread = np.std([e.value for e in found])
    assert spread <= np.median([e.se_data for e in found]) <= 2 * spread


def test_once_all_are_used_there_is_nothing_to_err_on():
    assert code_usage(Tokens(torch.arange(400).view(200, 2).int() % 4, 4, (2,))).se_data == 0
    assert code_usage(Tokens(torch.zeros(1, 2).int(), 4, (2,))).se_data is None
