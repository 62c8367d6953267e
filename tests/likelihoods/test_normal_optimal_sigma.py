import math

import pytest
import scipy.optimize
import scipy.stats
import torch

import genprobe
from genprobe.errors import UnavailableError
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.standard_error import interval_factor
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma

X = torch.linspace(-3, 3, 24).reshape(4, 2, 3)
LOC = X.flip(0) / 2
P, N = 6, 1500


def unit(x, loc):
    return -scipy.stats.norm.logpdf(x.double(), loc.double()).reshape(len(x), -1).sum(1)


def test_while_data_stream_the_scale_is_one(differentiable):
    found = normal_optimal_sigma.distribution({"loc": LOC}).log_prob(X)
    torch.testing.assert_close(-found, torch.from_numpy(unit(X, LOC)))
    differentiable(normal_optimal_sigma, {"loc": LOC}, X)


def test_the_fitted_scale_is_the_best_of_all():
    def cost(scale):
        return -scipy.stats.norm.logpdf(X.double(), LOC.double(), scale).sum((1, 2)).mean()

    best = scipy.optimize.minimize_scalar(cost, bounds=(0.01, 20), options={"xatol": 1e-9})
    found = normal_optimal_sigma.fit_scale(unit(X, LOC).mean(), P)
    assert found.scale == pytest.approx(best.x, rel=1e-6)
    assert found.factor * unit(X, LOC).mean() + found.offset == pytest.approx(best.fun)
    every = -scipy.stats.norm.logpdf(X.double(), LOC.double(), found.scale).sum((1, 2))
    assert found.factor * unit(X, LOC) + found.offset == pytest.approx(every)


def test_an_exact_decoder_has_no_scale():
    assert normal_optimal_sigma.fit_scale(unit(X, X).mean(), P).scale == 0


def test_it_is_a_density_that_cannot_be_sampled_yet():
    assert not normal_optimal_sigma.discrete
    assert normal_optimal_sigma.support(1e6 * X) is None
    for sample in ("sample", "rsample"):
        with pytest.raises(NotImplementedError):
            getattr(normal_optimal_sigma.distribution({"loc": LOC}), sample)()


def test_its_blind_distortion_has_one_scale_too():
    assert normal_optimal_sigma.blind is normal.blind


WEIGHT = torch.linspace(-1, 1, 2 * P).reshape(2, P)


def model(likelihood, scale=None):
    more = {} if scale is None else {"scale": torch.tensor(scale)}
    return genprobe.Model(
        name="linear",
        encode=lambda x: {"loc": x[:, :2], "scale": torch.full((len(x), 2), 0.3)},
        decode=lambda z: {"loc": z @ WEIGHT, **more},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood=likelihood,
    )


@pytest.fixture(scope="module")
def data():
    return torch.randn(N, P, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def store(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("sigma") / "store.h5"
    genprobe.evaluate(model("normal-optimal-sigma"), data, draws=3, store=path, max_queries=50)
    return path


@pytest.fixture(scope="module")
def report(data, store):
    found = model("normal-optimal-sigma")
    return genprobe.evaluate(found, data, draws=3, store=store, max_queries=50)


@pytest.fixture(scope="module")
def errors(data, store):
    """Squared error of every draw and example (draw, n), in float64, from the draws themselves."""
    found = genprobe.open_store(store)
    index = torch.arange(N)
    z = torch.stack([found.gather("draws/z", draw, index) for draw in range(3)])
    return (data.double() - (z @ WEIGHT).double()).square().sum(2)


def test_the_distortion_is_that_of_the_whole_data_sets_mean_squared_error(report, errors):
    mse = errors.mean().item() / P
    assert report["distortion"].value == pytest.approx(P / 2 * (1 + math.log(2 * math.pi * mse)))
    assert report.provenance["fitted_scale"] == pytest.approx(math.sqrt(mse))


def test_its_error_over_data_is_that_of_half_the_log_of_the_mean(report, errors):
    each = errors.mean(0)
    expected = P / 2 * each.std().item() / each.mean().item() / math.sqrt(N)
    expected *= interval_factor(each)
    assert report["distortion"].se_data == pytest.approx(expected, rel=1e-3)


def test_everything_else_is_as_with_that_scale_given(report, data):
    given = genprobe.evaluate(
        model("normal", report.provenance["fitted_scale"]), data, draws=3, max_queries=50
    )
    for name in ("distortion", "elbo", "iwae_bound", "slope", "blind_distortion"):
        assert report[name].value == pytest.approx(given[name].value, rel=1e-5), name
        assert report[name].se == pytest.approx(given[name].se, rel=1e-4), name
    assert "generative_mutual_information" not in report.estimates


def test_it_does_not_depend_on_how_examples_fall_into_batches(report, data):
    found = genprobe.evaluate(
        model("normal-optimal-sigma"), data, draws=3, batch_size=7, max_queries=50
    )
    assert found["distortion"].value == pytest.approx(report["distortion"].value, rel=1e-6)


def test_an_exact_decoder_has_no_distortion(data):
    exact = genprobe.Model(
        name="exact",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, 1e-3)},
        decode=lambda z: {"loc": 0 * z},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal-optimal-sigma",
    )
    found = genprobe.evaluate(exact, 0 * data, max_queries=50)
    assert "distortion" not in found.estimates
    assert "best scale 0" in found.provenance["absent"]["distortion"]


def test_without_the_likelihood_a_store_has_no_distortion_rather_than_a_wrong_one(store):
    quantities = Quantities(
        genprobe.open_store(store),
        diagonal_normal,
        None,
        None,
        replaced=False,
        bin_width=None,
        draw=lambda error: None,
        fit=lambda: None,
    )
    with pytest.raises(UnavailableError, match="normal-optimal-sigma fits its scale"):
        _ = quantities.distortion
