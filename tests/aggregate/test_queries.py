import dataclasses
import math

import pytest
import torch
from scipy import stats

import genprobe
from genprobe.aggregate import codes
from genprobe.aggregate import queries as module
from genprobe.aggregate.queries import draw_queries
from genprobe.estimators.rate import rate
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime.progress import silent

N, PILOT = 3000, 2048


def encode(x):
    return {"loc": x, "scale": 0.2 + 0.3 * x[:, [1, 0]].sigmoid()}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "s.h5"
    x = torch.randn(N, 2, generator=torch.Generator().manual_seed(1))
    model = genprobe.Model(
        name="m", encode=encode, posterior="diagonal-normal", prior="standard-normal"
    )
    genprobe.evaluate(model, x, store=path, draws=2, estimators={"rate": rate})
    return genprobe.open_store(path)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A store of eight examples."""
    path, x = tmp_path_factory.mktemp("few") / "s.h5", torch.linspace(-1, 1, 16).view(8, 2)
    model = genprobe.Model(
        name="m", encode=encode, posterior="diagonal-normal", prior="standard-normal"
    )
    genprobe.evaluate(model, x, store=path, draws=2, estimators={"rate": rate})
    return genprobe.open_store(path)


@pytest.fixture
def params(store):
    return {k: v.double() for k, v in next(iter(store.blocks(N)))[1].items()}


def spread(queries):
    """Error of the mean of log q(z|x) − log q(z), each query taken as independent."""
    return float((queries.log_qz_x - queries.log_qz).std()) / math.sqrt(len(queries))


def draw(store, error=spread, tolerance=1e-9, **options):
    return draw_queries(store, diagonal_normal, error, tolerance=tolerance, **options)


def test_queries_follow_the_stored_posterior_of_their_own_example(store, params):
    queries = draw(store, max_queries=2 * N)
    own = {k: v[queries.index] for k, v in params.items()}
    unit = (queries.z.double() - own["loc"]) / own["scale"]
    assert stats.kstest(unit.flatten().numpy(), "norm").pvalue > 1e-3
    log_qz_x = diagonal_normal.distribution(own).log_prob(queries.z.double())
    torch.testing.assert_close(queries.log_qz_x, log_qz_x)


def test_draws_made_a_stretch_at_a_time_are_of_their_own_posteriors(store, params, monkeypatch):
    monkeypatch.setattr(codes, "DRAWN_VALUES", 2 * 2 * 7)
    queries = draw(store, max_queries=2 * N)
    own = {k: v[queries.index] for k, v in params.items()}
    unit = (queries.z.double() - own["loc"]) / own["scale"]
    assert stats.kstest(unit.flatten().numpy(), "norm").pvalue > 1e-3
    assert len(unit.flatten(0, 1).unique(dim=0)) == 2 * N
    log_qz_x = diagonal_normal.distribution(own).log_prob(queries.z.double())
    torch.testing.assert_close(queries.log_qz_x, log_qz_x)


@pytest.mark.parametrize(("values", "examples"), [(1600, 100), (2, 32)])
def test_the_pilot_of_wide_codes_is_small(store, monkeypatch, values, examples):
    monkeypatch.setattr(module, "MOST_VALUES", values)
    assert draw(store, tolerance=10.0).z.shape == (2, examples, 2)


def test_queries_are_fresh_draws(store):
    queries = draw(store, max_queries=2 * N)
    everything = [store.gather("draws/z", draw, torch.arange(N)) for draw in range(2)]
    together = torch.cat([*everything, queries.z.flatten(0, 1)])
    assert len(together.unique(dim=0)) == 4 * N


def test_densities_are_the_mixtures_of_every_example_and_of_every_other(store, params):
    queries = draw(store, max_queries=200)
    z = queries.z.double()[:, :, None]
    pairs = torch.distributions.Normal(params["loc"], params["scale"]).log_prob(z).sum(3)
    torch.testing.assert_close(queries.log_qz, pairs.logsumexp(2) - math.log(N), atol=1e-3, rtol=0)
    share = (pairs.amax(2) - pairs.logsumexp(2)).exp()
    torch.testing.assert_close(queries.largest_share, share, atol=1e-3, rtol=0)
    pairs[:, torch.arange(100), queries.index] = -math.inf
    loo = pairs.logsumexp(2) - math.log(N - 1)
    torch.testing.assert_close(queries.log_qz_loo, loo, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("most", "examples"), [(1, 1), (2, 1), (7, 4), (1024, 512), (5000, 2500), (2 * N, N)]
)
def test_no_example_is_taken_twice_and_each_has_two_draws(store, most, examples):
    queries = draw(store, max_queries=most)
    assert queries.z.shape == (2, examples, 2)
    assert len(queries) == 2 * examples
    assert len(queries.index.unique()) == examples


def test_once_all_examples_are_taken_each_gets_more_draws(store, params):
    queries = draw(store, max_queries=7 * N - 1)
    assert queries.z.shape == (6, N, 2)
    assert queries.index.sort().values.tolist() == list(range(N))
    assert len(queries.z.flatten(0, 1).unique(dim=0)) == 6 * N
    own = {k: v[queries.index] for k, v in params.items()}
    log_qz_x = diagonal_normal.distribution(own).log_prob(queries.z.double())
    torch.testing.assert_close(queries.log_qz_x, log_qz_x)


def test_a_loose_tolerance_is_met_by_the_pilot(store):
    assert draw(store, tolerance=10.0).z.shape == (2, PILOT, 2)


def test_of_few_examples_the_pilot_draws_as_many_queries(few, monkeypatch):
    assert draw(few, tolerance=10.0).z.shape == (2 * PILOT // 8, 8, 2)
    assert draw(few, tolerance=10.0, max_queries=100).z.shape == (12, 8, 2)
    monkeypatch.setattr(module, "MOST_VALUES", 1600)  # a quarter: 200 queries of two values
    assert draw(few, tolerance=10.0).z.shape == (25, 8, 2)


def test_few_examples_end_at_the_most_queries_of_any_number(few, monkeypatch):
    monkeypatch.setattr(module, "MOST_QUERIES", 1 << 14)
    assert len(draw(few, lambda queries: 1.0)) == 1 << 14


def test_what_was_drawn_is_kept_when_more_is_drawn(store):
    pilot, more = draw(store, tolerance=10.0), draw(store, max_queries=7 * N)
    assert torch.equal(more.index[:PILOT], pilot.index)
    for name in ("z", "log_qz_x", "log_qz", "log_qz_loo", "largest_share"):
        assert torch.equal(getattr(more, name)[:2, :PILOT], getattr(pilot, name))


@pytest.mark.parametrize("wanted", [5000, 20_000])
def test_queries_grow_until_the_error_is_below_the_tolerance(store, wanted):
    tolerance = spread(draw(store, tolerance=10.0)) * math.sqrt(2 * PILOT / wanted)
    seen = []

    def error(queries):
        seen.append(spread(queries))
        return seen[-1]

    queries = draw(store, error, tolerance)
    assert seen[-1] <= tolerance < min(seen[:-1])
    assert 0.9 * wanted < len(queries) < 1.5 * wanted


def test_an_error_that_never_falls_ends_too(store):
    assert len(draw(store, lambda queries: 1.0, max_queries=12 * N)) == 12 * N


def test_the_seed_decides_which_examples_are_asked_and_where(store):
    a, b, c = (draw(store, max_queries=50, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(a.index, b.index)
    assert torch.equal(a.log_qz, b.log_qz)
    assert not torch.equal(a.index, c.index)


def test_the_random_state_of_the_caller_is_left_alone(store):
    before = torch.random.get_rng_state()
    draw(store, max_queries=50)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_progress_ends_with_every_component_done(store):
    told = []
    draw(
        store,
        max_queries=50,
        progress=dataclasses.replace(silent, advance=lambda *news: told.append(news)),
    )
    assert {stage for stage, _, _ in told} == {"aggregate"}
    assert sum(done for _, done, _ in told) == told[-1][2] == 50 * N
