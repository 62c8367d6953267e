import pytest

from genprobe.estimators.ais_bound import ais_bound, bound_terms


def truth_of(gaps):
    return -gaps["log_p"]


@pytest.mark.parametrize("m", [50, 20])
def test_its_error_covers(make_annealing, m):
    held, runs = 0, 200
    for seed in range(runs):
        annealing, gaps = make_annealing(seed, m=m)
        found = ais_bound(annealing)
        held += found.value + 1.96 * found.se >= truth_of(gaps)
    assert held / runs >= 0.91


def test_it_is_above_and_falls_with_more_chains(make_annealing):
    annealing, gaps = make_annealing(0, n=400, m=400, chains=8, spread=1.0)
    found = ais_bound(annealing)
    assert (found.kind, found.unit, found.n) == ("upper", "nats", 400)
    # (e^V − 1)/2C = 0.107 is what the bound is off by in the mean, of log-normal weights.
    assert 0.04 < found.value - truth_of(gaps) < 0.2


def test_its_terms_are_of_every_example(make_annealing):
    annealing, _ = make_annealing(0)
    terms = bound_terms(annealing)
    assert float(terms.values.mean()) == pytest.approx(ais_bound(annealing).value)
    assert terms.values.shape == terms.noise.shape == (50,)
