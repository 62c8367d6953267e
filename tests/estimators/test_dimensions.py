import dataclasses

import pytest
import torch

from genprobe.estimators.dimensions import combine, dimension_moments, dimensions, moments_of
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.standard_normal import standard_normal

PRIOR = standard_normal.build(torch.Size([2, 2]), {})


@pytest.fixture
def params():
    spread = torch.tensor([[1.0, 0.05], [0.0, 3.0]])
    return {"loc": 1e3 + spread * torch.randn(50, 2, 2), "scale": 0.1 + torch.rand(50, 2, 2)}


def in_blocks(params, rows):
    return ((i, {k: v[i : i + rows] for k, v in params.items()}) for i in range(0, 50, rows))


def test_moments_of_batches_combine_to_those_of_the_whole(numbers):
    rows = 1e6 + numbers(30, 4)
    found = combine(combine(moments_of(rows[:1]), moments_of(rows[1:20])), moments_of(rows[20:]))
    torch.testing.assert_close(found.mean, rows.mean(0))
    torch.testing.assert_close(found.variance(), rows.var(0, correction=0))
    assert found.count == 30


@pytest.mark.parametrize("rows", [1, 7, 50])
def test_records_are_the_plain_moments_whatever_the_blocks(params, rows):
    found = dimensions(*dimension_moments(in_blocks(params, rows), diagonal_normal, PRIOR))
    loc, scale = (params[k].double().flatten(1) for k in ("loc", "scale"))
    kl = (scale.square() + loc.square() - 1 - 2 * scale.log()) / 2
    variance = loc.var(0, correction=0)
    assert [d.index for d in found] == [0, 1, 2, 3]
    assert [d.rate for d in found] == pytest.approx(kl.mean(0).tolist())
    assert [d.rate_se_data for d in found] == pytest.approx((kl.std(0) / 50**0.5).tolist())
    assert [d.mean_variance for d in found] == pytest.approx(variance.tolist(), rel=1e-9, abs=1e-12)
    assert [d.active for d in found] == [True, False, False, True]


def test_without_a_prior_there_is_no_rate_per_dimension(params):
    means, rates = dimension_moments(in_blocks(params, 50), diagonal_normal, None)
    assert rates is None
    assert {d.rate for d in dimensions(means, rates)} == {None}


def test_a_single_example_has_no_standard_error(params):
    one = {k: v[:1] for k, v in params.items()}
    found = dimensions(*dimension_moments([(0, one)], diagonal_normal, PRIOR))
    assert {d.rate_se_data for d in found} == {None}
    assert {d.mean_variance for d in found} == {0.0}


def test_no_examples_is_an_error():
    with pytest.raises(ValueError, match="no examples"):
        dimension_moments([], diagonal_normal, PRIOR)


def test_what_is_not_finite_is_not_known(params):
    means, rates = dimension_moments(in_blocks(params, 50), diagonal_normal, PRIOR)
    odd = dataclasses.replace(rates, mean=rates.mean * torch.inf)
    known = dimensions(means, rates, rates.mean * torch.nan)
    assert [d.rate for d in dimensions(means, odd)] == [None] * len(known)
    assert [d.aggregate_kl for d in known] == [None] * len(known)
    assert None not in [d.rate for d in known]
