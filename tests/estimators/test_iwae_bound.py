import math

import pytest
import torch
from torch.distributions import Normal

from genprobe.errors import UnavailableError
from genprobe.estimators.iwae_bound import iwae_bound, jackknife_variance


def log_weights(draws, n=2000):
    """p(z) = N(0, 1), p(x|z) = N(z, 1), a posterior that is a little off; and −log p(x)."""
    generator = torch.Generator().manual_seed(draws)
    x = math.sqrt(2) * torch.randn(n, generator=torch.Generator().manual_seed(1)).double()
    q = Normal(x / 2 + 0.3, 0.9)
    z = q.loc + q.scale * torch.randn(draws, n, generator=generator).double()
    log_joint = Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(x)
    return log_joint - q.log_prob(z), -Normal(0.0, math.sqrt(2)).log_prob(x)


def test_with_many_draws_it_is_the_negative_log_likelihood():
    weights, truth = log_weights(500)
    found = iwae_bound(weights)
    assert abs(found.value - truth.mean()) < 4 * found.se + 1e-3
    assert (found.kind, found.n) == ("upper", 2000)


def test_it_tightens_with_draws_and_stays_above():
    bounds = [iwae_bound(log_weights(draws)[0]).value for draws in (2, 8, 64)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] > log_weights(2)[1].mean() - 0.01


def test_one_draw_is_the_elbo():
    with pytest.raises(UnavailableError, match="more draws"):
        iwae_bound(log_weights(1)[0])


def test_the_jackknife_leaves_out_one_draw_after_the_other(numbers):
    weights = 3 * numbers(6, 10)
    rest = [torch.cat([weights[:i], weights[i + 1 :]]).logsumexp(0) for i in range(6)]
    truth = torch.stack(rest).var(0) * 5 * 5 / 6
    torch.testing.assert_close(jackknife_variance(weights), truth)


def test_a_weight_that_is_all_of_the_mean_leaves_what_the_others_say():
    # The share of the first is 1 in float64, and 1 less it is 0.
    weights = torch.tensor([[900.0], [0.0], [0.0]]).double()
    rest = torch.tensor([math.log(2), 900.0, 900.0]).double()
    assert jackknife_variance(weights).item() == pytest.approx(rest.var().item() * 2 * 2 / 3)


@pytest.mark.parametrize("draws", [2, 4, 8])
def test_se_holds_where_the_largest_weight_decides(draws):
    # q = p, and a decoder that its posterior is far narrower than: N(5z, 0.5²) at x = 0.
    decoder, runs = lambda z: Normal(5 * z, 0.5).log_prob(torch.zeros(())), 400
    found = [iwae_bound(decoder(torch.randn(draws, 100).double())) for _ in range(runs)]
    many = decoder(torch.randn(draws, 400_000).double())
    bound = math.log(draws) - many.logsumexp(0)
    truth, noise = bound.mean().item(), bound.std().item() / 400_000**0.5
    held = [abs(e.value - truth) <= 1.96 * math.hypot(e.se, noise) for e in found]
    assert sum(held) / runs >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)
    claimed, spread = sum(e.se for e in found) / runs, bound.std().item() / 10
    # With two draws the square is that of one: √2 of the jackknife's, which errs on that side too.
    assert claimed < (3 if draws == 2 else 2) * spread
