import math

import pytest
import torch
from torch.distributions import Categorical, Independent

from genprobe import Likelihood, Model, evaluate, open_store, report_from_store
from genprobe.families.categorical import categorical
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests

GRIDS = [(), (5,), (2, 3)]


def reference(params):
    return Independent(Categorical(logits=params["logits"]), params["logits"].dim() - 2)


def uniform(grid, classes):
    """All classes alike, at every place of a grid."""
    alike = Categorical(logits=torch.zeros(*grid, classes, dtype=torch.float64))
    return prior_from_distribution("uniform", Independent(alike, len(grid)))


def one_hot(codes, classes):
    """Logits 0 at the codes and −10⁴ elsewhere."""
    return -1e4 * (1 - torch.nn.functional.one_hot(codes, classes).float())


def entropy_of(codes):
    _, counts = codes.reshape(len(codes), -1).unique(dim=0, return_counts=True)
    share = counts.double() / len(codes)
    return float(-(share * share.log()).sum())


class TestConformance(FamilyTests):
    part = categorical
    params = {"logits": torch.tensor([[[0.0, 1.0, -2.0], [3.0, 0.5, -0.1]], [[1.0, 0, 0]] * 2])}
    priors = (uniform((2,), 3),)


class TestConformanceOfGrids(FamilyTests):
    part = categorical
    params = {"logits": torch.linspace(-3, 3, 24).reshape(2, 2, 2, 3)}
    priors = (uniform((2, 2), 3),)


@pytest.mark.parametrize("size", [0.1, 3.0, 100.0])
@pytest.mark.parametrize("classes", [2, 64])
@pytest.mark.parametrize("grid", GRIDS)
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, size, classes, grid):
    params = {"logits": size * torch.randn(200, *grid, classes)}
    require_aggregate(categorical, params, reference)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_hot_posteriors_are_exact(dtype):
    q = categorical.distribution({"logits": one_hot(torch.tensor([[3, 0], [1, 1]]), 5).to(dtype)})
    z = q.sample((50,))
    assert (z == torch.tensor([[3, 0], [1, 1]])).all()
    assert q.log_prob(z).unique().tolist() == [0.0]
    assert q.entropy().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("draws", [1, 3])
def test_one_hot_codes_tell_the_entropy_of_their_histogram_exactly(
    evaluated, require_rate, tmp_path, grid, draws
):
    classes = 7
    codes = torch.randint(classes, (400, *grid))
    codes[50:150] = codes[0]
    places = math.prod(grid)
    params = {"logits": one_hot(codes, classes)}
    prior = uniform(grid, classes)
    report = evaluated(categorical, params, prior, draws=draws, store=tmp_path / "store.h5")
    require_rate(report, places * math.log(classes), analytic=True)
    assert report["rate"].value == pytest.approx(places * math.log(classes), abs=1e-12)
    information = report["mutual_information"]
    assert information.value == pytest.approx(entropy_of(codes), abs=1e-12)
    assert information.se == pytest.approx(0, abs=1e-12)
    redundant = places * math.log(classes) - entropy_of(codes)
    assert report["marginal_kl"].value == pytest.approx(redundant, abs=1e-12)
    store = open_store(tmp_path / "store.h5")
    assert store.header.latent_shape == grid
    assert torch.equal(store.gather("draws/z", 0, torch.arange(400)), codes.float())
    again = report_from_store(store, prior=prior)
    assert again["marginal_kl"].value == report["marginal_kl"].value


def test_total_correlation_of_one_hot_codes_is_that_of_their_histogram(evaluated):
    first = torch.randint(4, (600,))
    codes = torch.stack([first, (first + torch.randint(2, (600,))) % 4], 1)
    report = evaluated(categorical, {"logits": one_hot(codes, 4)}, uniform((2,), 4))
    alone = sum(entropy_of(codes[:, i]) for i in range(2))
    correlation = report["total_correlation"].value
    assert correlation == pytest.approx(alone - entropy_of(codes), abs=1e-9)
    found = [d.aggregate_kl for d in report.dimensions]
    truth = [math.log(4) - entropy_of(codes[:, i]) for i in range(2)]
    assert found == pytest.approx(truth, abs=1e-9)


def test_an_index_has_no_mean_and_none_is_reported(evaluated):
    report = evaluated(categorical, {"logits": torch.randn(50, 3, 4)}, uniform((3,), 4))
    absent = report.provenance["absent"]
    assert "posterior means" in absent["active_units"]
    assert "token" in report.provenance["fitted_prior"]["rung"]
    assert {(d.mean_variance, d.active) for d in report.dimensions} == {(None, None)}
    assert all(d.rate > 0 for d in report.dimensions)
    assert "collapsed-dimensions" not in [notice.code for notice in report.warnings]
    assert report.from_json(report.to_json()).dimensions == report.dimensions


def test_soft_codes_have_the_information_of_the_joint_table(evaluated):
    """I(n;z) of one place is a sum over classes, with no draw in it."""
    logits = 2 * torch.randn(300, 6)
    report = evaluated(categorical, {"logits": logits}, uniform((), 6), tolerance=0.002)
    p = logits.double().softmax(1)
    truth = float((p * (p / p.mean(0)).log()).sum(1).mean())
    information = report["mutual_information"]
    assert information.se <= 0.002
    assert abs(information.value - truth) <= 4 * information.se
    cost = (p * p.log()).sum(1).mean() + math.log(6)
    assert report["rate"].value == pytest.approx(float(cost))


def test_a_decoder_is_given_class_indices_in_the_models_dtype():
    codes = torch.randint(5, (64, 2))
    seen = []

    def decode(z):
        seen.append(z)
        return {"logits": torch.zeros(len(z), 2)}

    from genprobe.likelihoods.bernoulli import bernoulli

    assert isinstance(bernoulli, Likelihood)
    model = Model(
        name="codes",
        encode=lambda x: {"logits": one_hot(x.long(), 5)},
        decode=decode,
        posterior=categorical,
        prior=uniform((2,), 5),
        likelihood=bernoulli,
    )
    report = evaluate(model, codes.float() % 2, batch_size=64)
    assert any(torch.equal(z, codes.float() % 2) for z in seen)
    assert report["distortion"].value == pytest.approx(2 * math.log(2))
    assert "slope" not in report.estimates


def test_a_large_grid_of_many_classes_stays_within_its_tiles():
    """A table of 200 × 256 × 512 logits is 100 MB; the pass must not hold it several times over."""
    from genprobe.aggregate import log_aggregate

    codes = torch.randint(512, (200, 16, 16))
    codes[100:] = codes[:100]
    params = {"logits": one_hot(codes, 512)}
    found = log_aggregate(codes[:20].float(), categorical, params, own=torch.arange(20))
    truth = torch.full((20,), math.log(2 / 200), dtype=torch.float64)
    torch.testing.assert_close(found.log_qz, truth, atol=1e-12, rtol=0)
