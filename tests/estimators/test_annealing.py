import math

import pytest
import torch

from genprobe.estimators.ais_bound import ais_bound, bound_terms
from genprobe.estimators.annealing import Annealing, beside_of


def simulated(seed, n=400, m=40, chains=16, draws=64):
    """Chains of log p(x_n) = −80 + 10 ε_n, and an ELBO 5 nats below that."""
    g = torch.Generator().manual_seed(seed)

    def noise(*shape):
        return torch.randn(*shape, generator=g).double()

    log_p = -80 + 10 * noise(n)
    index = torch.randperm(n, generator=g)[:m].sort().values
    log_weight = log_p[index] + 0.5 * noise(chains, m) - 0.125
    gap = 5 + noise(n)
    elbo = (log_p - gap)[index] + 4 * noise(draws, m)
    rate = 20 + 3 * noise(n)
    distortion = -(log_p - gap) - rate + 4 * noise(4, n)
    found = Annealing(n=n, log_weight=log_weight, elbo=elbo, best_elbo=elbo, index=index)
    return found, rate[None], distortion, -float(log_p.mean())


def test_what_is_known_of_all_examples_makes_the_bound_far_more_certain():
    annealing, rate, distortion, truth = simulated(0)
    alone, helped = ais_bound(annealing), ais_bound(annealing, rate, True, distortion)
    assert helped.se < alone.se / 5
    assert abs(helped.value - truth) < 4 * helped.se
    assert abs(alone.value - truth) < 4 * alone.se


def test_the_error_covers_with_and_without_what_is_known_of_all():
    held = {"alone": 0, "helped": 0}
    for seed in range(100):
        annealing, rate, distortion, truth = simulated(seed, m=30)
        truth += 0.125 / 16  # the bound's own mean
        for how, given in (("alone", ()), ("helped", (rate, True, distortion))):
            found = ais_bound(annealing, *given)
            held[how] += abs(found.value - truth) <= 1.96 * found.se
    assert min(held.values()) >= 90


def test_of_all_examples_the_mean_of_their_own_stands():
    annealing, rate, distortion, _ = simulated(0, n=40)
    assert ais_bound(annealing, rate, True, distortion) == ais_bound(annealing)


def test_a_rate_that_is_drawn_is_no_help():
    annealing, rate, distortion, _ = simulated(0)
    assert ais_bound(annealing, rate, False, distortion) == ais_bound(annealing)


def test_the_parts_of_what_goes_with_the_values_add_up():
    annealing, rate, distortion, _ = simulated(0)
    r = beside_of(annealing, rate, distortion, 1.0, 0.0)
    d = beside_of(annealing, rate, distortion, 0.0, 1.0)
    both = beside_of(annealing, rate, distortion)
    torch.testing.assert_close(r.own + d.own, both.own)
    torch.testing.assert_close(both.own, -annealing.elbo.mean(0))
    assert r.mean + d.mean == pytest.approx(both.mean)
    assert (r.se, bool(r.noise.max() > 0)) == (0.0, False)


def test_terms_of_the_bound_are_those_of_its_examples():
    annealing, *_ = simulated(0)
    values = bound_terms(annealing).values
    weights = annealing.log_weight
    truth = math.log(len(weights)) - weights.logsumexp(0)
    torch.testing.assert_close(values, truth)
