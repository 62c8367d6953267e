import math

import pytest
import torch

from genprobe.aggregate.rounding import DEVIATIONS, pieces_of, rounding, rounding_of_one

EPS = torch.finfo(torch.float32).eps
SUMS = 4000


def terms_that_cancel(count, decades):
    """(SUMS, count) factors of products whose sums are about 0, their sizes over some decades."""
    first = torch.randn(SUMS, count) * 10 ** (decades * torch.rand(SUMS, count))
    second = torch.randn(SUMS, count)
    second[:, -1] = 1.0
    first[:, -1] = -(first[:, :-1].double() * second[:, :-1].double()).sum(1).float()
    return first, second


def summed(first, second, pieces):
    """Float32 sums of every so many-th product, one after another, and of those."""
    whole = torch.zeros(SUMS)
    for start in range(pieces):
        part = torch.zeros(SUMS)
        for a, b in zip(first.T[start::pieces], second.T[start::pieces], strict=True):
            part += a * b
        whole += part
    return whole


@pytest.mark.parametrize("count", [4, 22, 130, 1024])
@pytest.mark.parametrize("decades", [0.0, 3.0])
@pytest.mark.parametrize("pieces", [1, 2, 8])
def test_no_sum_is_further_off_and_the_deviation_is_no_more(count, decades, pieces):
    first, second = terms_that_cancel(count, decades)
    # The last product is the constant that the bound knows of without being told.
    products = first[:, :-1].double() * second[:, :-1].double()
    truth = products.sum(1) + first[:, -1].double()
    found = summed(first, second, pieces)
    padded = torch.nn.functional.pad(products, (0, -products.shape[1] % pieces))
    split = padded.view(SUMS, -1, pieces)
    allowed = EPS * rounding(split.sum(1), split.abs().sum(1), count, pieces)
    off = (found - truth).abs() / allowed
    assert off.max() <= 1
    assert off.square().mean().sqrt() <= 1 / DEVIATIONS


def test_it_grows_as_the_square_root_of_the_number_of_terms():
    assert rounding_of_one(2048, 1) / rounding_of_one(512, 1) == pytest.approx(2, rel=0.01)
    deviation = math.sqrt(2053 / 3) / 2
    assert rounding_of_one(2048, 1) == pytest.approx(DEVIATIONS * deviation)


@pytest.mark.parametrize("terms", [130, 514, 2050, 8194])
def test_more_pieces_round_less(terms):
    found = [rounding_of_one(terms, pieces) for pieces in pieces_of(terms)]
    assert len(found) > 1
    assert found == sorted(found, reverse=True)


def test_few_terms_are_one_piece():
    assert pieces_of(22) == (1,)
    assert pieces_of(2050) == (1, 2, 4, 8)


def test_terms_of_one_dimension_make_a_large_piece():
    """Where one term is all there is, pieces help only as far as the others are fewer."""
    even = torch.full((1, 8), 1 / 4)
    alone = torch.tensor([[2.0] + [0.0] * 7])
    nothing = torch.zeros(1, 8)
    assert rounding(nothing, alone, 2048, 8) > 2 * rounding(nothing, even, 2048, 8)
