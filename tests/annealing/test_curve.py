import math

import pytest
import torch

from genprobe.analysis.options import BETAS
from genprobe.annealing.curve import decoder_curve, distortion_at, rate_at, total_at
from genprobe.errors import UsageError


def test_at_nine_betas_the_curve_is_the_closed_form(known):
    model = known.linear_gaussian(2, 20, examples=8)
    settings = {"temperatures": 24, "fit_steps": 40, "seed": 0}
    found = decoder_curve(model.target, known.family, model.best, BETAS, **settings)
    assert found.betas == tuple(sorted(BETAS))
    for b, beta in enumerate(found.betas):
        rate, distortion = model.curve(beta)
        columns = found.log_weight[b], found.distortion[b]
        for (values, variances), exact, allowed in (
            (total_at(columns[0]), rate + beta * distortion, 0.01),
            (distortion_at(*columns), distortion, 0.0),
            (rate_at(beta, *columns), rate, 0.0),
        ):
            error = math.sqrt(float(variances.sum())) / 8
            assert abs(float((values - exact).mean())) < 4 * error + allowed
        assert math.sqrt(float(total_at(columns[0])[1].sum())) / 8 < 0.01


def test_rate_and_distortion_add_up_to_the_total():
    noise = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(0)).double()
    total, _ = total_at(noise[0])
    rate, _ = rate_at(3.0, noise[0], noise[1])
    distortion, _ = distortion_at(noise[0], noise[1])
    torch.testing.assert_close(rate + 3 * distortion, total)


def test_the_order_of_betas_does_not_matter(known):
    model = known.linear_gaussian(1, 3)
    first, second = (
        decoder_curve(
            model.target, known.family, model.best, betas, temperatures=4, fit_steps=5, seed=0
        )
        for betas in ((2.0, 0.5), (0.5, 2.0))
    )
    assert first.betas == second.betas == (0.5, 2.0)
    assert torch.equal(first.log_weight, second.log_weight)


@pytest.mark.parametrize("betas", [(), (0.0,), (-1.0, 1.0), (math.inf,), (math.nan,)])
def test_a_beta_that_is_no_number_above_0_is_refused(known, betas):
    model = known.linear_gaussian(1, 3)
    with pytest.raises(UsageError, match="above 0"):
        decoder_curve(model.target, known.family, model.best, betas, seed=0)
