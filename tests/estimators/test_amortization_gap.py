import pytest

from genprobe.estimators.amortization_gap import amortization_gap, encoder_terms


def truth_of(gaps):
    return gaps["encoder"]


@pytest.mark.parametrize("m", [50, 20])
def test_its_error_covers(make_annealing, m):
    held, runs = 0, 200
    for seed in range(runs):
        annealing, gaps = make_annealing(seed, m=m)
        found = amortization_gap(annealing)
        held += abs(found.value - truth_of(gaps)) <= 1.96 * found.se
    assert held / runs >= 0.91


def test_it_is_a_difference_that_common_noise_leaves_alone(make_annealing):
    annealing, _ = make_annealing(0, n=400, m=400, chains=8, spread=1.0)
    found = amortization_gap(annealing)
    assert (found.kind, found.unit, found.n) == ("lower", "nats", 400)
    # Each ELBO errs by 3 nats a draw, and what they differ by by half a nat.
    assert found.se == pytest.approx(0.5 / (32 * 400) ** 0.5, rel=0.05)


def test_its_terms_are_of_every_example(make_annealing):
    annealing, _ = make_annealing(0)
    terms = encoder_terms(annealing)
    assert float(terms.values.mean()) == pytest.approx(amortization_gap(annealing).value)
    assert terms.values.shape == terms.noise.shape == (50,)
