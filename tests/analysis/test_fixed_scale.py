"""A normal decoder of one fixed scale, beside the density of torch in float64."""

import math

import pytest
import torch
from torch.distributions import Normal

import genprobe
from genprobe import Model

N, P = 400, 50
CODE = torch.randn(N, 2, generator=torch.Generator().manual_seed(0))
MAP = torch.randn(2, P, generator=torch.Generator().manual_seed(1)) / 10
X = CODE @ MAP + 0.02 * torch.randn(N, P, generator=torch.Generator().manual_seed(2))


def model(scale, used=True, shift=0.0):
    """An encoder that finds the code; its decoder uses it or not."""
    inverse = torch.linalg.pinv(MAP)

    def decode(z):
        loc = z @ MAP if used else torch.zeros(len(z), P)
        return {"loc": loc + shift, "scale": scale(z)}

    return Model(
        name="m",
        encode=lambda x: {"loc": x @ inverse, "scale": torch.full((len(x), 2), 0.1)},
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )


def codes(report):
    return [w.code for w in report.warnings]


def told(report, code):
    [found] = [w for w in report.warnings if w.code == code]
    return found


def blind_at(scale):
    """D of the mean image at that scale, by torch.distributions in float64."""
    x = X.double()
    return float(-Normal(x.mean(0), scale).log_prob(x).sum(1).mean())


def test_a_good_decoder_of_a_wide_scale_is_not_worse_than_none():
    report = genprobe.evaluate(model(lambda z: torch.tensor(1.0)), X)
    distortion, blind = report["distortion"].value, report["blind_distortion"].value
    assert blind < distortion < blind_at(1.0)
    assert "distortion-above-blind" not in codes(report)
    notice = told(report, "fixed-scale")
    assert f"{blind_at(1.0):.2f} of a constant decoder of its scale" in notice.remedy
    assert "normal-optimal-sigma" in notice.remedy


def test_the_scale_that_would_suit_is_that_of_the_errors():
    report = genprobe.evaluate(model(lambda z: torch.tensor(1.0)), X, draws=8)
    posterior = X.double() @ torch.linalg.pinv(MAP).double()
    # E‖x − zA‖² is the error of the mean and that of the draws, whose variance is 0.01.
    error = (X.double() - posterior @ MAP.double()).square().mean()
    error += 0.01 * MAP.double().square().sum() / P
    said = float(told(report, "fixed-scale").message.split(" and ")[1].split()[0])
    assert said == pytest.approx(math.sqrt(error), rel=0.02)


@pytest.mark.parametrize("scale", [0.03, 1.0])
def test_a_decoder_that_is_worse_at_its_own_scale_is_told(scale):
    wrong = model(lambda z: torch.tensor(scale), used=False, shift=0.5)
    notice = told(genprobe.evaluate(wrong, X), "distortion-above-blind")
    assert f"a blind decoder's {blind_at(scale):.2f}.".replace("-", "−") in notice.message
    assert f"the same scale, {scale:.4g}" in notice.remedy


def test_a_scale_that_varies_is_judged_as_before():
    wrong = model(lambda z: 1 + 0.1 * z[:, :1].tanh().expand(-1, P), shift=0.5)
    notice = told(genprobe.evaluate(wrong, X), "distortion-above-blind")
    assert "scale" not in notice.message
    assert "the same scale" not in notice.remedy


def test_bins_are_taken_off_both():
    report = genprobe.evaluate(model(lambda z: torch.tensor(1.0)), X, bin_width=0.1)
    binned = blind_at(1.0) - P * math.log(0.1)
    assert f"below the {binned:.2f} of a constant" in told(report, "fixed-scale").remedy


def test_the_store_alone_says_the_same(tmp_path):
    first = genprobe.evaluate(model(lambda z: torch.tensor(1.0)), X, store=tmp_path / "s.h5")
    again = genprobe.report_from_store(genprobe.open_store(tmp_path / "s.h5"))
    assert told(again, "fixed-scale") == told(first, "fixed-scale")


def test_the_table_does_not_say_that_it_is_worse_than_nothing():
    text = str(genprobe.evaluate(model(lambda z: torch.tensor(1.0)), X, bin_width=0.1))
    assert "it does worse than a decoder without a code" not in text


def test_the_elbo_is_compared_with_a_blind_decoder_of_the_same_scale():
    report = genprobe.evaluate(model(lambda z: torch.tensor(1.0)), X)
    worse = report["rate"].value + report["distortion"].value - blind_at(1.0)
    assert worse > 0
    assert f"the ELBO is {worse:.3f} worse than without a code" in str(report)
