import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import genprobe
from genprobe.aggregate.fitted import fit_marginal
from genprobe.aggregate.queries import draw_queries
from genprobe.errors import PluginError, UnavailableError
from genprobe.estimators.log_n import log_n
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.quantities import QUANTITIES, Quantities, estimate, require_known
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.priors.diagonal_normal import diagonal_normal as normal_factory
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.priors.standard_normal import standard_normal
from genprobe.types import Estimate

N, DRAWS, PIXELS = 300, 2, 4


def build(**decoder):
    return genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x[:, :2], "scale": torch.full_like(x[:, :2], 0.5)},
        posterior="diagonal-normal",
        prior="standard-normal",
        **decoder,
    )


def decode(z):
    return {"loc": torch.cat([z, z], 1), "scale": torch.tensor(0.5)}


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    x = torch.randn(N, PIXELS, generator=torch.Generator().manual_seed(0))
    models = {"full": build(decode=decode, likelihood="normal"), "rate only": build()}
    for name, model in models.items():
        genprobe.evaluate(model, x, store=folder / name, draws=DRAWS)
    return {name: genprobe.open_store(folder / name) for name in models}


@pytest.fixture
def quantities(stores):
    def make(store="full", prior=None, bin_width=None, replaced=True, most=2 * N):
        chosen = stores[store]
        return Quantities(
            chosen,
            diagonal_normal,
            prior,
            normal if store == "full" else None,
            replaced=replaced and prior is not None,
            bin_width=bin_width,
            draw=lambda information: draw_queries(
                chosen,
                diagonal_normal,
                lambda queries: information(queries).se,
                tolerance=1e-9,
                max_queries=most,
            ),
            fit=lambda: fit_marginal(chosen, diagonal_normal, {"diagonal-normal": normal_factory}),
        )

    return make


def params_of(store):
    return {k: v.double() for k, v in next(iter(store.blocks(N)))[1].items()}


def test_nothing_is_queried_until_it_is_needed(quantities):
    q = quantities()
    assert (q.n, q.log_n) == (N, math.log(N))
    q.rate, q.distortion, q.mean_variance  # noqa: B018
    assert not q.queried
    assert q.log_qz.shape == (2, N)
    assert q.queried


def test_every_quantity_says_what_it_is_and_can_be_had(quantities):
    q = quantities(prior=standard_normal.build(torch.Size([2]), {}), replaced=False)
    for name, meaning in QUANTITIES.items():
        assert meaning.endswith(".")
        assert getattr(q, name) is not None


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
    found = mutual_information(q.index_entropy, q.log_qz_x, q.log_qz, q.controls, q.n)
    assert q.information(queries) == q.information() == found
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


def test_another_prior_without_one_gives_a_log_ratio_a_draw(quantities, stores):
    loc = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    p = MixtureSameFamily(Categorical(torch.ones(2)), Independent(Normal(loc, 1.0), 1))
    q = quantities(prior=prior_from_distribution("mixture", p))
    store = stores["full"]
    z = torch.stack([store.gather("draws/z", d, torch.arange(N)) for d in range(DRAWS)]).double()
    params = params_of(store)
    truth = Normal(params["loc"], params["scale"]).log_prob(z).sum(2) - p.log_prob(z)
    assert not q.rate_analytic
    torch.testing.assert_close(q.rate, truth)


def test_an_estimate_that_cannot_be_had_is_left_out_with_its_reason(quantities):
    def count(n):
        return Estimate(name="count", value=n, se=0.0, se_data=None, kind="exact")

    def wants_distortion(distortion):
        raise AssertionError

    found, absent, failed = estimate(
        {"count": count, "wants": wants_distortion}, quantities(store="rate only")
    )
    assert found["count"].value == N
    assert absent == {"wants": "No distortion: the model has no decoder."}
    assert not failed
    with pytest.raises(UnavailableError, match="no decoder"):
        quantities(store="rate only").distortion  # noqa: B018


def test_an_unknown_quantity_is_named_beside_the_known(quantities):
    with pytest.raises(PluginError, match=r"odd asks for wavelength[\s\S]*log_qz_loo"):
        require_known("odd", lambda n, wavelength: None)
    with pytest.raises(PluginError, match=r"asks for rates[\s\S]*Did you mean rate\?"):
        require_known("odd", lambda n, rates: None)
    _, _, [notice] = estimate({"odd": lambda rates: None}, quantities())
    assert "asks for rates" in notice.message


def test_a_quantity_that_cannot_be_had_leaves_a_default(quantities):
    def count(n, distortion=None):
        assert distortion is None
        return Estimate(name="count", value=n, se=0.0, se_data=None, kind="exact")

    found, _, _ = estimate({"count": count}, quantities(store="rate only"))
    assert found["count"].value == N


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (lambda n: n, "TypeError: it returns a int, not a genprobe.Estimate"),
        (lambda n: n / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_an_estimator_that_fails_is_set_aside_and_told(quantities, estimator, reason):
    found, absent, [notice] = estimate({"odd": estimator, "log_n": log_n}, quantities())
    assert list(found) == ["log_n"]
    assert absent == {"odd": f"The estimator odd failed: {reason}."}
    assert (notice.code, notice.message) == ("estimator-failed", absent["odd"])


def test_running_out_of_memory_is_no_fault_of_an_estimator(quantities):
    def greedy(n):
        raise MemoryError

    with pytest.raises(MemoryError):
        estimate({"greedy": greedy}, quantities())
