import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from genprobe.aggregate.queries import draw_queries
from genprobe.errors import UnavailableError
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.quantities import QUANTITIES
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.diagonal_normal import diagonal_normal as normal_factory
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.priors.standard_normal import standard_normal

N, DRAWS, PIXELS = 300, 2, 4
"""Of the stores in conftest.py."""


def params_of(store):
    return {k: v.double() for k, v in next(iter(store.blocks(N)))[1].items()}


def test_nothing_is_queried_until_it_is_needed(quantities):
    q = quantities()
    assert (q.n, q.log_n) == (N, math.log(N))
    q.rate, q.distortion, q.mean_variance  # noqa: B018
    assert not q.has("queries")
    assert q.log_qz.shape == (2, N)
    assert q.has("queries")


OF_OTHER_LATENTS = {"grid", "tokens"}
"""Quantities that a vector does not have."""


def test_every_quantity_says_what_it_is_and_can_be_had(quantities):
    q = quantities(prior=standard_normal.build(torch.Size([2]), {}), replaced=False)
    for name, meaning in QUANTITIES.items():
        assert meaning.endswith(".")
        if name in OF_OTHER_LATENTS:
            with pytest.raises(UnavailableError):
                getattr(q, name)
            continue
        # Of examples that all differ there are no copies.
        assert (getattr(q, name) is None) == name.startswith("which")


def test_shapes_are_the_promised(quantities):
    q = quantities(prior=standard_normal.build(torch.Size([2]), {}), most=200)
    assert q.rate.shape == (1, N)
    assert q.distortion.shape == q.fitted_rate.shape == (DRAWS, N)
    assert q.query.shape == (100,)
    assert q.z.shape == (2, 100, 2)
    assert q.controls.features.shape[:2] == (2, 100)
    for name in ("log_qz_x", "log_qz", "log_qz_loo", "log_pz", "largest_share"):
        assert getattr(q, name).shape == (2, 100)


def test_log_densities_are_those_of_the_queries(quantities, stores):
    q = quantities(prior=standard_normal.build(torch.Size([2]), {}), most=200)
    params = params_of(stores["full"])
    own = Normal(params["loc"][q.query], params["scale"][q.query])
    torch.testing.assert_close(q.log_qz_x, own.log_prob(q.z.double()).sum(2))
    torch.testing.assert_close(q.log_pz, Normal(0.0, 1.0).log_prob(q.z.double()).sum(2))


def test_the_information_from_some_queries_is_that_of_all_that_were_made(quantities, stores):
    q = quantities(most=200)
    queries = draw_queries(
        stores["full"], diagonal_normal, lambda some: 1.0, tolerance=1e-9, max_queries=200
    )
    found = mutual_information(q.queries, q.controls)
    assert q.information(queries) == q.mutual_information == found
    assert found.se > 0


def test_the_rate_under_a_fitted_prior_has_known_entropies(quantities, stores):
    q = quantities()
    scale = params_of(stores["full"])["scale"]
    entropy = (scale.log() + math.log(2 * math.pi * math.e) / 2).sum(1)
    torch.testing.assert_close(q.posterior_entropy, entropy)
    assert q.fitted.log_mz.shape == (DRAWS, N)
    torch.testing.assert_close(
        q.fitted_rate.mean(), (-entropy - q.fitted.log_mz).mean(), atol=0.2, rtol=0
    )


def test_bin_width_turns_a_density_into_a_probability(quantities):
    shift = quantities(bin_width=1 / 255).distortion - quantities().distortion
    torch.testing.assert_close(shift, torch.full_like(shift, PIXELS * math.log(255)))


def test_another_prior_with_a_closed_form_gives_its_rate(quantities, stores):
    half = {"loc": torch.tensor(1.0), "scale": torch.tensor(0.5)}
    q = quantities(prior=normal_factory.build(torch.Size([2]), half))
    loc = params_of(stores["full"])["loc"]
    assert q.rate_analytic
    torch.testing.assert_close(q.rate, ((loc - 1).square() / 0.25 / 2).sum(1)[None])
    truth = Normal(1.0, 0.5).log_prob(q.z.double()).sum(2)
    torch.testing.assert_close(q.log_pz, truth)


def test_another_prior_without_one_gives_log_ratios_of_draws(quantities, stores):
    loc = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    p = MixtureSameFamily(Categorical(torch.ones(2)), Independent(Normal(loc, 1.0), 1))
    q = quantities(prior=prior_from_distribution("mixture", p))
    params = params_of(stores["full"])
    posterior = Independent(Normal(params["loc"].double(), params["scale"].double()), 1)
    z = posterior.sample((2000,))
    truth = (posterior.log_prob(z) - p.log_prob(z)).mean()
    assert not q.rate_analytic
    error = (q.rate.var(0).mean() / q.rate.numel()).sqrt()
    assert abs(q.rate.mean() - truth) < 4 * error * (1 + len(q.rate) / 2000) ** 0.5
    again = quantities(prior=prior_from_distribution("mixture", p))
    assert torch.equal(again.rate, q.rate)


def test_the_record_of_the_queries_is_what_the_quantities_are_read_from(quantities):
    q = quantities(most=200)
    assert q.queries.n == N
    assert q.queries.index is q.query
    for name in ("z", "log_qz_x", "log_qz", "log_qz_loo", "index_entropy", "largest_share"):
        assert getattr(q.queries, name) is getattr(q, name)


def test_the_marginals_are_there_once_anything_asked_for_them(quantities):
    prior = standard_normal.build(torch.Size([2]), {})
    for name in ("log_qzj", "dimension_kl"):
        q = quantities(prior=prior, most=200)
        assert q.log_qz.shape == (2, 100)
        assert not q.has("log_qzj")
        assert getattr(q, name).shape[-1] == 2
        assert q.has("log_qzj")


def test_annealing_is_of_the_prior_and_of_bins(quantities):
    own = quantities().annealing
    bins = quantities(bin_width=0.1).annealing
    assert own.elbo.shape == (4, 6)
    torch.testing.assert_close(bins.elbo, own.elbo + 4 * math.log(0.1))  # of 4 pixels
    other = standard_normal.build(torch.Size([2]), {})
    assert quantities(prior=other).annealing.n == N
    p = Independent(Normal(torch.zeros(2), 2 * torch.ones(2)), 1)
    wide = prior_from_distribution("wide", p)
    with pytest.raises(UnavailableError, match="under standard-normal"):
        quantities(prior=wide).annealing  # noqa: B018
    with pytest.raises(UnavailableError, match="Not asked for"):
        quantities(store="rate only").annealing  # noqa: B018
