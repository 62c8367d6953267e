import math
from functools import cache

import pytest
import torch
from torch.distributions import Normal

from genprobe.aggregate.code_moments import aggregate_moments, expected_distance
from genprobe.aggregate.queries import Queries
from genprobe.estimators.control_variates import (
    EXAMPLES_PER_CONTROL,
    CodeMoments,
    controls,
    prepared,
    reduced,
)
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.standard_error import interval_factor, within_error
from genprobe.families.diagonal_normal import diagonal_normal as family

N, K = 300, 4


def posteriors(seed, n=N, k=K, heavy=False):
    """Diagonal normals over z, of unequal spread, around normal or heavy-tailed means."""
    generator = torch.Generator().manual_seed(seed)
    x, size = torch.randn(2, n, k, generator=generator, dtype=torch.float64)
    loc = x * size.exp() if heavy else x
    scale = 0.3 + 0.4 * torch.rand(n, k, generator=generator, dtype=torch.float64)
    return {"loc": loc, "scale": scale}


def moments_of(params, **changes):
    entropy = family.distribution(params).entropy()
    rate = (params["loc"].square() + params["scale"].square() - 1).sum(1) / 2
    rate = rate - params["scale"].log().sum(1)
    mean, second = aggregate_moments([(0, params)], family)
    parts = {"entropy": entropy, "rate": rate, "mean": mean, "second": second}
    parts |= changes
    distance = expected_distance([(0, params)], family, parts["mean"], parts["second"])
    return CodeMoments(**parts, distance=distance)


def draw(params, index, draws):
    """Draws of chosen examples, with their own log densities."""
    q = family.distribution({k: v[index] for k, v in params.items()})
    z = q.sample((draws,))
    return z, q.log_prob(z)


def log_densities(z, params):
    """log q(z|n) of each draw under every component, by torch, in float64: (draws, queries, N)."""
    coordinates = zip(*(t.unbind(-1) for t in (z, params["loc"], params["scale"])), strict=True)
    return sum(Normal(loc, scale).log_prob(x[..., None]) for x, loc, scale in coordinates)


def mixture(log_qz_n):
    """log q(z), of the log densities under every component."""
    return log_qz_n.logsumexp(-1) - math.log(log_qz_n.shape[-1])


# The controls


@pytest.mark.parametrize("diagonal", [False, True], ids=["products", "squares"])
def test_every_control_has_mean_zero_under_the_codes(diagonal):
    params = posteriors(0)
    changes = {"second": moments_of(params).second.diagonal()} if diagonal else {}
    everything, draws = torch.arange(N), 2000
    z, log_qz_x = draw(params, everything, draws)
    found = controls(z, log_qz_x, everything, moments_of(params, **changes)).features
    assert found.shape == (draws, N, 3 + (2 * K if diagonal else K + K * (K + 1) // 2))
    # All examples are taken, so that only the draws of each are random.
    noise = (found.var(0).sum(0) / draws).sqrt() / N
    assert (found.mean((0, 1)).abs() < 4 * noise + 1e-12).all()
    assert (found.flatten(0, 1).std(0) > 0.05).all()


@pytest.mark.parametrize("diagonal", [False, True], ids=["products", "squares"])
def test_an_own_control_has_mean_zero_for_each_example(diagonal):
    params = posteriors(0)
    changes = {"second": moments_of(params).second.diagonal()} if diagonal else {}
    everything, draws = torch.arange(N), 2000
    own = controls(*draw(params, everything, draws), everything, moments_of(params, **changes)).own
    assert own.shape == (draws, N, 2)
    assert (own.std(0) > 0.05).all()
    assert (own.mean(0).abs() < 5 * own.std(0) / math.sqrt(draws)).all()  # 600 at once


@pytest.mark.parametrize(
    ("examples", "count"), [(10, 3), (87, 3), (88, 11), (135, 11), (136, 17), (300, 17)]
)
def test_there_are_no_more_controls_than_the_examples_allow(examples, count):
    params, index = posteriors(0), torch.arange(examples)
    found = controls(*draw(params, index, 2), index, moments_of(params)).features
    assert found.shape[2] == count
    assert count == 3 or count * EXAMPLES_PER_CONTROL <= examples


def test_a_control_whose_mean_does_not_exist_is_left_out():
    params, index = posteriors(0), torch.arange(N)
    z, log_qz_x = draw(params, index, 2)
    plain, nothing = moments_of(params), torch.full((K,), math.nan, dtype=torch.float64)
    assert controls(z, log_qz_x, index, moments_of(params, mean=nothing)).features.shape[2] == 3
    infinite = moments_of(params, second=plain.second.diagonal() + math.inf)
    found = controls(z, log_qz_x, index, infinite)
    assert found.features.shape[2] == 3 + K
    assert found.own.shape[2] == 1  # the distance from the mean has none either


# The correction


@pytest.fixture
def terms(numbers):
    """Values of mean 1 that two controls of mean zero explain but for a tenth."""

    def make(m):
        features = numbers(2, m, 2)
        return 1 + features @ torch.tensor([2.0, -1.0]).double() + 0.1 * numbers(2, m), features

    return make


def test_what_the_controls_explain_is_taken_off(terms):
    values, features = terms(500)
    found, _ = reduced(values, prepared(features), 500)
    assert found.std() < 0.11
    assert abs(found.mean() - 1) < 4 * 0.1 / math.sqrt(1000)


def test_the_correction_does_not_depend_on_the_units_of_a_control(terms):
    values, features = terms(100)
    scaled = reduced(values, prepared(features * torch.tensor([1e6, 1e-6]).double()), 100)
    torch.testing.assert_close(
        scaled[0], reduced(values, prepared(features), 100)[0], rtol=1e-5, atol=1e-6
    )


def test_a_query_that_decides_the_fit_leaves_the_values_as_they_are(terms):
    values, features = terms(100)
    features[0, 7] *= 1000
    found, error = reduced(values, prepared(features), 100)
    assert torch.equal(found, values)
    assert error == within_error(values, 100) * interval_factor(values.flatten())


def test_controls_that_are_known_of_every_example_cancel_when_all_are_taken(numbers):
    own = numbers(1, 200, 1).expand(2, 200, 1)
    own = own - own.mean()
    values = 3 * own[..., 0].square() + own[..., 0] + 0.01 * numbers(2, 200)
    found, _ = reduced(values, prepared(own), 200)
    assert found.mean() == pytest.approx(values.mean().item(), abs=1e-12)


@pytest.mark.parametrize("spoil", ["constant", "twice"])
def test_controls_that_say_nothing_new_do_no_harm(terms, spoil):
    values, features = terms(500)
    more = {"constant": torch.zeros(2, 500, 1).double(), "twice": features}[spoil]
    torch.testing.assert_close(
        reduced(values, prepared(torch.cat([features, more], 2)), 500)[0],
        reduced(values, prepared(features), 500)[0],
        rtol=1e-4,
        atol=1e-5,
    )


def test_controls_that_explain_nothing_cost_little(numbers):
    values, features = numbers(2, 500), numbers(2, 500, 20)
    assert reduced(values, prepared(features), 500)[0].std() < 1.05 * values.std()


def test_too_few_examples_are_left_as_they_are(terms):
    values, features = terms(3)
    assert torch.equal(reduced(values, prepared(features), 3)[0], values)


@pytest.mark.parametrize("m", [100, 300])
def test_the_corrected_mean_is_unbiased(numbers, m):
    # A curved response, so that no slope is the right one; every example is new.
    features = numbers(500, 2, m, 3)
    curve = features.exp().sum(3)
    means = torch.stack(
        [reduced(v, prepared(f), 10 * m)[0].mean() for v, f in zip(curve, features, strict=True)]
    )
    assert abs(means.mean() - 3 * math.exp(0.5)) < 4 * means.std() / math.sqrt(500)


# The information, against brute force


@cache
def case(heavy):
    """Posteriors, and their finite-N information by brute force with its standard error."""
    params = posteriors(0, heavy=heavy)
    torch.manual_seed(1)
    z, log_qz_x = draw(params, torch.arange(N), 500)
    log_qz = torch.stack([mixture(log_densities(draw, params)) for draw in z])
    terms = log_qz_x - log_qz
    return params, terms.mean().item(), math.sqrt(terms.var(0).mean() / terms.numel())


@cache
def scores(heavy, m, seeds=60):
    """(error, claimed se) of I(n;z) over seeds, with controls and without."""
    params, truth, noise = case(heavy)
    moments, found = moments_of(params), []
    for seed in range(seeds):
        torch.manual_seed(100 + seed)
        index = torch.randperm(N)[:m]
        z, log_qz_x = draw(params, index, 2)
        features = controls(z, log_qz_x, index, moments)
        pairs = log_densities(z, params)
        density = mixture(pairs)
        unknown = torch.full_like(density, math.nan)
        queries = Queries(
            n=N,
            index=index,
            z=z,
            log_qz_x=log_qz_x,
            log_qz=density,
            log_qz_loo=unknown,
            largest_share=unknown,
            index_entropy=torch.distributions.Categorical(logits=pairs).entropy(),
            max_error=0.0,
            skipped=0.0,
        )
        estimates = [mutual_information(queries, f) for f in (features, None)]
        found.append([(e.value - truth, math.hypot(e.se, noise)) for e in estimates])
    return torch.tensor(found).permute(1, 2, 0)


TAILS = pytest.mark.parametrize("heavy", [False, True], ids=["normal", "heavy-tailed"])
SOME = pytest.mark.parametrize("m", [150, N], ids=["half of the examples", "all examples"])


@TAILS
@SOME
def test_the_standard_error_of_the_information_is_honest(heavy, m):
    (error, se), _ = scores(heavy, m)
    covered = (error.abs() < 1.96 * se).double().mean().item()
    assert covered >= 0.85
    assert 0.75 < (error / se).std() < 1.3


@TAILS
@SOME
def test_the_information_is_unbiased(heavy, m):
    (error, _), _ = scores(heavy, m)
    noise = math.hypot(error.std() / math.sqrt(len(error)), case(heavy)[2])
    assert abs(error.mean()) < 4 * noise


@TAILS
@SOME
def test_controls_do_not_raise_the_error(heavy, m):
    (error, _), (plain, _) = scores(heavy, m)
    assert error.std() < 1.3 * plain.std()


def test_controls_halve_the_error_where_the_examples_are_all_taken():
    (error, _), (plain, _) = scores(False, N)
    assert error.std() < 0.6 * plain.std()
