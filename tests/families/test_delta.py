import pytest
import torch

import genprobe
from genprobe import Model
from genprobe.families.delta import Point

N = 200
RATES = {
    "rate",
    "elbo",
    "mutual_information",
    "marginal_kl",
    "marginal_kl_floor",
    "log_n",
    "total_correlation",
    "iwae_bound",
    "slope",
}


@pytest.fixture(scope="module")
def pair():
    """A plain autoencoder of bits, and what float64 makes of it by hand."""
    torch.manual_seed(0)
    x = (torch.rand(N, 6) > 0.5).float()
    enc, dec = torch.randn(6, 3), torch.randn(3, 6)
    enc[:, 2] = 0
    model = Model(
        name="plain",
        encode=lambda x: {"loc": x @ enc},
        decode=lambda z: {"logits": z @ dec},
        posterior="delta",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    codes = x.double() @ enc.double()
    logits = codes @ dec.double()
    truth = (torch.nn.functional.softplus(logits) - x * logits).sum(1).mean().item()
    return genprobe.evaluate(model, x, draws=2), codes, truth, x


def test_it_has_its_distortion_and_that_of_the_blind_decoder(pair):
    report, _, truth, x = pair
    assert report["distortion"].value == pytest.approx(truth, rel=1e-5)
    p = x.double().mean(0)
    blind = -(p * p.log() + (1 - p) * (1 - p).log()).sum().item()
    assert report["blind_distortion"].value == pytest.approx(blind, rel=1e-6)


def test_it_has_active_units_and_the_moments_of_its_codes(pair):
    report, codes, _, _ = pair
    assert report["active_units"].value == 2
    found = [d.mean_variance for d in report.dimensions]
    assert found == pytest.approx(codes.var(0, correction=0).tolist(), rel=1e-5)


def test_it_has_no_rate_and_says_why_in_a_sentence(pair):
    report = pair[0]
    assert not RATES & report.estimates.keys()
    assert "point" in report.provenance["absent"]["rate"]
    (said,) = [w for w in report.warnings if w.code == "deterministic-code"]
    assert "its rate is infinite" in said.message
    assert "noise that the model adds" in said.remedy
    assert "monte-carlo-rate" not in {w.code for w in report.warnings}
    assert report.regime.label == "undetermined"
    assert "inf" not in str(report).replace("infinite", "")
    assert genprobe.Report.from_json(report.to_json()) == report


def test_it_is_compared_by_its_distortion_with_a_model_that_has_a_rate(pair):
    report, _, _, x = pair
    noisy = Model(
        name="noisy",
        encode=lambda x: {"loc": x[:, :3], "scale": 0.5 + 0.1 * x[:, 3:]},
        decode=lambda z: {"logits": z @ torch.ones(3, 6)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    found = genprobe.compare([report, genprobe.evaluate(noisy, x)])
    assert found.best == "noisy"
    text = str(found)
    assert "plain" in text
    assert "noisy" in text


def test_without_any_rate_models_are_sorted_by_distortion(pair):
    report = pair[0]
    found = genprobe.compare([report, report])
    assert found.sort == "distortion"
    assert "plain" in str(found)


def test_codes_alone_are_evaluated_too():
    codes = torch.randn(N, 3, generator=torch.Generator().manual_seed(1))
    report = genprobe.evaluate_posteriors({"loc": codes}, family="delta")
    assert report["active_units"].value == 3
    assert "rate" not in report.estimates


def test_a_point_has_all_its_mass_at_its_place():
    point = Point(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert (point.sample((5,)) == point.loc).all()
    there = point.log_prob(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    assert there.tolist() == [float("inf"), float("-inf")]
    assert point.variance.sum() == 0
