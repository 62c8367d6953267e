import math

import numpy as np
import pytest
import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from genprobe.errors import ModelError
from genprobe.priors.full_normal import full_normal
from genprobe.priors.normal_mixture import (
    EXAMPLES_PER_COMPONENT,
    WIDEST,
    improve,
    normal_mixture,
    statistics,
)
from genprobe.priors.normal_mixture import start as start_of
from genprobe.testing import PriorTests
from genprobe.types import Codes

K = 2
PROBS = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
LOC = torch.tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 9.0]], dtype=torch.float64)
FACTORS = torch.tensor(
    [[[0.5, 0.0], [0.3, 0.4]], [[1.0, 0.0], [-0.6, 0.5]], [[0.4, 0.0], [0.0, 0.8]]],
    dtype=torch.float64,
)
PARAMS = {"probs": PROBS, "loc": LOC, "scale_tril": FACTORS}
TRUTH = MixtureSameFamily(Categorical(PROBS), MultivariateNormal(LOC, scale_tril=FACTORS))


@pytest.fixture
def codes():
    """Codes around three far centres, of a spread that is not negligible."""

    def make(n=1500, variance=0.2):
        mean = TRUTH.sample((n,))
        return Codes(mean=mean, variance=variance * (0.5 + torch.rand(n, K).double()))

    return make


def test_density_is_that_of_torch_over_flattened_z():
    prior = normal_mixture.build(torch.Size([1, 2]), PARAMS)
    z = 5 * torch.randn(4, 7, 1, 2, dtype=torch.float64)
    torch.testing.assert_close(prior.log_prob(z), TRUTH.log_prob(z.flatten(2)))


def test_samples_match_its_moments():
    n = 20_000
    z = normal_mixture.build(torch.Size([1, 2]), PARAMS).sample(n)
    assert z.shape == (n, 1, 2)
    z = z.flatten(1)
    assert ((z.mean(0) - TRUTH.mean).abs() < 4 * (TRUTH.variance / n).sqrt()).all()
    noise = (z - z.mean(0)).square().std(0) / math.sqrt(n)
    assert ((z.var(0) - TRUTH.variance).abs() < 4 * noise).all()
    nearest = torch.cdist(z, LOC).argmin(1).bincount() / n
    assert ((nearest - PROBS).abs() < 0.02).all()


def test_its_tensors_rebuild_it():
    prior = normal_mixture.build(torch.Size([2]), PARAMS)
    again = normal_mixture.build(torch.Size([2]), prior.params)
    z = torch.randn(5, 2)
    assert torch.equal(again.log_prob(z), prior.log_prob(z))


@pytest.mark.parametrize("missing", ["loc", "scale_tril"])
def test_a_missing_tensor_is_refused(missing):
    with pytest.raises(ModelError, match="normal-mixture"):
        normal_mixture.build(torch.Size([2]), {k: v for k, v in PARAMS.items() if k != missing})


DIAGONAL = {
    "probs": PROBS,
    "loc": torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64),
    "scale": torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64).view(3, 1, 1).expand(3, 2, 2),
}


def test_diagonal_components_may_have_the_shape_of_z():
    prior = normal_mixture.build(torch.Size([2, 2]), DIAGONAL)
    normals = Independent(Normal(DIAGONAL["loc"], DIAGONAL["scale"]), 2)
    truth = MixtureSameFamily(Categorical(PROBS), normals)
    z = 3 * torch.randn(4, 7, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(prior.log_prob(z), truth.log_prob(z))
    n = 20_000
    drawn = prior.sample(n)
    assert drawn.shape == (n, 2, 2)
    assert ((drawn.mean(0) - truth.mean).abs() < 4 * (truth.variance / n).sqrt()).all()
    noise = (drawn - drawn.mean(0)).square().std(0) / math.sqrt(n)
    assert ((drawn.var(0) - truth.variance).abs() < 4 * noise).all()
    again = normal_mixture.build(torch.Size([2, 2]), prior.params)
    assert torch.equal(again.log_prob(z), prior.log_prob(z))


def test_a_single_number_may_have_a_mixture_too():
    loc, scale = torch.tensor([-1.0, 2.0]).double(), torch.tensor([0.5, 1.0]).double()
    prior = normal_mixture.build(torch.Size([]), {"loc": loc, "scale": scale.view(2, 1)})
    truth = MixtureSameFamily(Categorical(torch.ones(2).double()), Normal(loc, scale))
    z = torch.randn(6, dtype=torch.float64)
    torch.testing.assert_close(prior.log_prob(z), truth.log_prob(z))
    assert prior.sample(3).shape == (3,)


def test_components_weigh_the_same_unless_told():
    equal = normal_mixture.build(torch.Size([2]), {"loc": LOC, "scale": torch.ones(())})
    truth = MixtureSameFamily(
        Categorical(torch.ones(3).double()), Independent(Normal(LOC, torch.ones(())), 1)
    )
    z = torch.randn(5, 2, dtype=torch.float64)
    torch.testing.assert_close(equal.log_prob(z), truth.log_prob(z))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loc": torch.zeros(3, 5)}, r"loc of shape \(3, 5\); z has the shape \(2,\)"),
        ({"loc": torch.zeros(4, 3)}, r"loc of shape \(4, 3\)"),
        ({"scale_tril": FACTORS[:2]}, r"scale_tril of shape \(2, 2, 2\); it must be \(3, 2, 2\)"),
        ({"scale_tril": FACTORS.mT}, "not lower-triangular"),
        ({"scale_tril": -FACTORS}, "positive diagonal"),
        ({"scale_tril": FACTORS / 0}, "not finite"),
        ({"scale": torch.zeros(3, 2)}, "a scale that is not positive"),
        ({"scale": torch.ones(2, 3)}, r"scale of shape .* must broadcast"),
        ({"probs": torch.ones(3)}, "sum to 3"),
    ],
)
def test_unusable_tensors_are_refused(change, message):
    with pytest.raises(ModelError, match=f"normal-mixture.*{message}"):
        normal_mixture.build(torch.Size([2]), PARAMS | change)


def expected_bound(codes, params):
    """Mean over examples of log Σ_c π_c exp(E_q log N_c), each term by torch, nats."""
    normal = MultivariateNormal(params["loc"], scale_tril=params["scale_tril"])
    widths = torch.einsum("nk,ckk->nc", codes.variance, normal.precision_matrix)
    terms = params["probs"].log() + normal.log_prob(codes.mean[:, None]) - widths / 2
    return terms.logsumexp(1).mean().item()


def log_prior(params, spread):
    """k + 2 observations of covariance ``spread`` for each component, nats up to a constant."""
    covariance = params["scale_tril"] @ params["scale_tril"].mT
    cost = covariance.logdet() + torch.linalg.solve(covariance, spread).diagonal(0, 1, 2).sum(1)
    return -(K + 2) / 2 * cost.sum().item()


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_never_falls_from_round_to_round(codes, seed):
    codes = codes(300)
    params = start_of(codes, 8, seed)
    spread = params["scale_tril"][0] @ params["scale_tril"][0].T
    values = []
    for _ in range(12):
        expected, penalty = expected_bound(codes, params), log_prior(params, spread)
        bound, params = improve(list(statistics(codes)), params, spread)
        assert bound == pytest.approx(expected, abs=1e-9)
        values.append(bound + penalty / 300)
    assert min(np.diff(values)) > -1e-9
    assert values[-1] > values[0] + 0.1


def test_a_known_mixture_of_point_like_codes_is_recovered(codes):
    fitted = normal_mixture.build(
        torch.Size([K]), normal_mixture.fit(codes(6000, variance=1e-8), 3, 0)
    )
    z = TRUTH.sample((20_000,))
    lost = TRUTH.log_prob(z) - fitted.log_prob(z)
    assert -4 * lost.std() / math.sqrt(len(z)) < lost.mean() < 0.01
    order = torch.cdist(LOC, fitted.params["loc"]).argmin(1)
    assert (fitted.params["probs"][order] - PROBS).abs().max() < 4 * 0.5 / math.sqrt(6000)
    assert (fitted.params["loc"][order] - LOC).abs().max() < 4 * 1.0 / math.sqrt(1200)


def test_a_single_component_is_the_normal_of_the_aggregate_posterior(codes):
    codes = codes()
    one, normal = normal_mixture.fit(codes, 1, 0), full_normal.fit(codes, 1, 0)
    torch.testing.assert_close(one["loc"][0], normal["loc"])
    torch.testing.assert_close(one["scale_tril"][0], normal["scale_tril"])


def test_posterior_variances_enter_the_covariance_of_their_component():
    # Two far clusters, so that every share is 0 or 1.
    centre = torch.tensor([[-50.0, 0.0], [50.0, 0.0]], dtype=torch.float64)
    mean = centre.repeat(100, 1) + torch.randn(200, K, dtype=torch.float64)
    variance = torch.tensor([[4.0, 1.0], [0.1, 9.0]], dtype=torch.float64)
    codes = Codes(mean=mean, variance=variance.repeat(100, 1))
    eye, half = torch.eye(K).double(), torch.full((2,), 0.5).double()
    params = {"probs": half, "loc": centre, "scale_tril": eye.expand(2, K, K)}
    _, improved = improve(list(statistics(codes)), params, 3 * eye)
    own = torch.stack([torch.cov(mean[c::2].T, correction=0) + variance[c].diag() for c in (0, 1)])
    torch.testing.assert_close(
        improved["scale_tril"] @ improved["scale_tril"].mT,
        (100 * own + (K + 2) * 3 * eye) / (100 + K + 2),
    )


def test_the_fit_does_not_depend_on_the_units_of_a_dimension(codes):
    codes = codes()
    stretch, shift = torch.tensor([1e3, 1e-3]).double(), torch.tensor([5.0, -2.0]).double()
    moved = Codes(mean=shift + stretch * codes.mean, variance=stretch.square() * codes.variance)
    plain, other = normal_mixture.fit(codes, 8, 0), normal_mixture.fit(moved, 8, 0)
    torch.testing.assert_close(other["probs"], plain["probs"], rtol=1e-6, atol=1e-9)
    torch.testing.assert_close((other["loc"] - shift) / stretch, plain["loc"], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        other["scale_tril"] / stretch[:, None], plain["scale_tril"], rtol=1e-6, atol=1e-6
    )


def test_the_seed_decides_the_start(codes):
    codes = codes(300)
    a, b, c = (normal_mixture.fit(codes, 8, seed)["loc"] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("n", [10, 159, 160, 1000, 10**6])
def test_sizes_grow_while_each_component_has_examples_enough(n):
    found = normal_mixture.sizes(n, 8)
    assert list(found) == sorted(set(found))
    assert all(c * EXAMPLES_PER_COMPONENT <= n for c in found)
    assert bool(found) is (n >= 160)


def test_wide_codes_are_not_fitted():
    assert normal_mixture.sizes(10**6, WIDEST)
    assert not normal_mixture.sizes(10**6, WIDEST + 1)


class TestConformance(PriorTests):
    part = normal_mixture
    event_shape = (1, 2)
    params = PARAMS


class TestConformanceOfDiagonal(PriorTests):
    part = normal_mixture
    event_shape = (2, 2)
    params = DIAGONAL


def test_a_fit_does_not_depend_on_the_number_of_threads_and_leaves_it(set_threads):
    random = torch.Generator().manual_seed(0)
    mean = torch.randn(5000, 3, generator=random, dtype=torch.float64)
    some = Codes(mean=mean, variance=0.1 + 0 * mean)
    fits = []
    for count in (1, 2, 5):
        set_threads(count)
        fits.append(normal_mixture.fit(some, 4, 0))
        assert torch.get_num_threads() == count
    for fit in fits[1:]:
        for name, values in fits[0].items():
            assert torch.equal(fit[name], values)
