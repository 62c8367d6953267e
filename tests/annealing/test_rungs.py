import math
from dataclasses import replace

import pytest
import torch

from genprobe.annealing.rungs import Rung, next_rung, rung_of

SETTLED = Rung(temperatures=128, chains=16, bound=-80.0, error=0.004, variance=0.05)


def test_a_run_is_summed_up_by_its_bound_error_and_bias():
    noise = torch.randn(16, 400, generator=torch.Generator().manual_seed(0)).double() / 2
    rung = rung_of(noise - 80, 64)
    # E log of the mean of 16 weights e^(ε/2), ε standard normal.
    assert rung.bound == pytest.approx(-80 + 0.125 - rung.bias, abs=4 * rung.error)
    assert rung.bias == pytest.approx((math.exp(0.25) - 1) / 32, rel=0.15)
    assert rung.error == pytest.approx(math.sqrt(2 * rung.bias / 400), rel=0.01)


@pytest.mark.parametrize(
    ("before", "last", "expected"),
    [
        ({"bound": -80.5}, {}, (256, 16)),
        ({}, {}, None),
        ({"variance": 1.0}, {"variance": 0.5}, (256, 16)),
        ({"variance": 0.5}, {"variance": 0.5}, (128, 32)),
        ({"error": 0.03}, {"error": 0.02, "variance": 0.04}, (256, 16)),
    ],
    ids=["moved", "settled", "biased", "biased-and-no-better", "noisy"],
)
def test_chains_grow_until_bound_bias_and_error_are_within_the_tolerance(before, last, expected):
    first = replace(SETTLED, temperatures=64, **{"variance": 0.1, **before})
    assert next_rung([first, replace(SETTLED, **last)], tolerance=0.01) == expected


def test_a_looser_tolerance_ends_earlier():
    first = replace(SETTLED, temperatures=64, bound=-80.05)
    assert next_rung([first, SETTLED], tolerance=0.1) is None
    assert next_rung([first, SETTLED], tolerance=0.01) == (256, 16)


@pytest.mark.parametrize("most", [1, 2, 3, 64, 100, 128, 1000])
def test_no_chain_is_longer_than_it_may_be_and_two_lengths_are_compared(most):
    history = []
    while (rung := next_rung(history, tolerance=0.0, max_steps=most)) is not None:
        assert rung[0] <= most
        history.append(
            replace(SETTLED, temperatures=rung[0], chains=rung[1], bound=-80 / len(history or "1"))
        )
    assert history[-1].temperatures == most
    assert len({rung.temperatures for rung in history}) > 1 or most == 1


def test_it_ends_whatever_is_found():
    history = []
    while (rung := next_rung(history, tolerance=0.0)) is not None:
        history.append(replace(SETTLED, temperatures=rung[0], chains=rung[1]))
    assert len(history) < 30
