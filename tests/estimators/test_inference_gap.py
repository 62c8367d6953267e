import pytest

from genprobe.estimators.inference_gap import gap_terms, inference_gap


def truth_of(gaps):
    return gaps["family"] + gaps["encoder"]


@pytest.mark.parametrize("m", [50, 20])
def test_its_error_covers(make_annealing, m):
    held, runs = 0, 200
    for seed in range(runs):
        annealing, gaps = make_annealing(seed, m=m)
        found = inference_gap(annealing)
        held += found.value - 1.96 * found.se <= truth_of(gaps)
    assert held / runs >= 0.91


def test_it_is_below(make_annealing):
    annealing, gaps = make_annealing(0, n=400, m=400, chains=8, spread=1.0)
    found = inference_gap(annealing)
    assert (found.kind, found.unit, found.n) == ("lower", "nats", 400)
    assert 0.04 < truth_of(gaps) - found.value < 0.2


def test_its_terms_are_of_every_example(make_annealing):
    annealing, _ = make_annealing(0)
    terms = gap_terms(annealing)
    assert float(terms.values.mean()) == pytest.approx(inference_gap(annealing).value)
    assert terms.values.shape == terms.noise.shape == (50,)
