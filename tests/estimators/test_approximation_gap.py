import pytest

from genprobe.estimators.approximation_gap import approximation_gap, family_terms


def truth_of(gaps):
    return gaps["family"]


@pytest.mark.parametrize("m", [50, 20])
def test_its_error_covers(make_annealing, m):
    held, runs = 0, 200
    for seed in range(runs):
        annealing, gaps = make_annealing(seed, m=m)
        found = approximation_gap(annealing)
        held += abs(found.value - truth_of(gaps)) <= 1.96 * found.se
    assert held / runs >= 0.91


def test_it_is_without_the_bias_of_the_bound(make_annealing):
    annealing, gaps = make_annealing(0, n=400, m=400, chains=8, spread=1.0)
    found = approximation_gap(annealing)
    assert (found.kind, found.unit, found.n) == ("estimate", "nats", 400)
    assert abs(found.value - truth_of(gaps)) < 4 * found.se
    assert found.se < 0.05


def test_its_terms_are_of_every_example(make_annealing):
    annealing, _ = make_annealing(0)
    terms = family_terms(annealing)
    assert float(terms.values.mean()) == pytest.approx(approximation_gap(annealing).value)
    assert terms.values.shape == terms.noise.shape == (50,)
