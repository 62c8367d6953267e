import math

import numpy as np
import pytest
import scipy.stats
import torch

from genprobe.aggregate.tokens import Tokens
from genprobe.estimators.code_entropy import code_entropy

SHARES = np.array([0.4, 0.3, 0.15, 0.1, 0.05])


def source(seed, n=300, places=6):
    random = np.random.default_rng(seed)
    return Tokens(torch.from_numpy(random.choice(5, (n, places), p=SHARES)).int(), 8, (places,))


def test_it_is_the_entropy_of_the_histogram_with_the_correction_of_miller_and_madow():
    tokens = source(0)
    counts = np.bincount(tokens.index.numpy().ravel())
    truth = scipy.stats.entropy(counts) + (len(counts) - 1) / (2 * 1800)
    assert code_entropy(tokens).value == pytest.approx(truth, abs=1e-12)
    assert code_entropy(tokens).se == 0.0


def test_the_bias_is_gone_and_the_error_holds():
    truth = scipy.stats.entropy(SHARES)
    found = [code_entropy(source(seed, n=40, places=1)) for seed in range(400)]
    bias = np.mean([e.value for e in found]) - truth
    assert abs(bias) < 3 * np.std([e.value for e in found]) / 20
    held = np.mean([abs(e.value - truth) <= 1.96 * e.se_data for e in found])
    assert 0.9 <= held <= 0.99


def test_errors_are_clustered_by_example():
    """All places of an example alike: there are no more independent tokens than examples."""
    one = source(1, n=300, places=1).index
    alone = code_entropy(Tokens(one, 8, (1,))).se_data
    repeated = code_entropy(Tokens(one.repeat(1, 6), 8, (6,))).se_data
    assert repeated == pytest.approx(alone)
    copies = code_entropy(Tokens(one.repeat(4, 1), 8, (1,)), torch.arange(300).repeat(4)).se_data
    assert copies == pytest.approx(alone)


def test_it_is_never_above_that_of_all_classes_alike():
    even = Tokens((torch.arange(24) % 8).view(8, 3).int(), 8, (3,))
    assert code_entropy(even).value == math.log(8)
