import pytest
import torch

import genprobe
from genprobe.analysis.level_findings import DEAD
from genprobe.report.levels import Level
from genprobe.types import Estimate

N = 60


def walk(x):
    z = yield {"loc": x[:, :2], "scale": 0.5}, {"loc": torch.zeros(2), "scale": torch.ones(2)}
    z = yield {"loc": z[:, :1], "scale": torch.ones(1)}, {"loc": z[:, :1], "scale": torch.ones(1)}
    q = {"loc": torch.cat([x[:, 2:], z], 1), "scale": torch.full((2,), 0.3)}
    yield q, {"loc": torch.cat([0 * z, z], 1), "scale": torch.tensor([1.0, 0.3])}


def decode(draws):
    return {"loc": torch.cat([draws[0], draws[2][:, :1]], 1), "scale": torch.tensor(0.4)}


@pytest.fixture(scope="module")
def report():
    model = genprobe.Model(
        name="m", chain=walk, decode=decode, posterior="diagonal-normal", likelihood="normal"
    )
    x = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
    return genprobe.evaluate(model, x, draws=3)


def test_a_level_whose_posterior_is_its_prior_is_dead(report):
    first, second, third = report.levels
    assert [level.name for level in report.levels] == ["z₁", "z₂", "z₃"]
    assert second["rate"].value == 0.0
    assert second.dead
    assert not first.dead
    (notice,) = (w for w in report.warnings if w.code == DEAD)
    assert notice.message.startswith("1 of 3 levels carries nothing: z₂")
    assert any("revive the levels that carry nothing: z₂, 1 of 3" in s for s in report.verdict)
    assert [e["active_units"].value for e in (first, second, third)] == [2, 0, 1]


@pytest.mark.parametrize(("rate", "se", "dead"), [(0.002, 0.001, True), (-0.02, 0.05, False)])
def test_a_level_of_an_unsure_rate_is_not_called_dead(rate, se, dead):
    found = Estimate(name="rate", value=rate, se=se, se_data=se, kind="estimate", n=50)
    assert Level(name="z₂", estimates={"rate": found}).dead == dead


def test_what_a_level_does_not_say_is_not_lost_without_it(report):
    nothing, first, second, third = report.progressive.points
    assert [p.label for p in report.progressive.points] == ["nothing", "z₁", "up to z₂", "up to z₃"]
    assert first.rate.value == second.rate.value
    error = (first.distortion.se**2 + second.distortion.se**2) ** 0.5
    assert abs(first.distortion.value - second.distortion.value) < 4 * error
    assert nothing.distortion.value > first.distortion.value > third.distortion.value
    assert third.distortion == report["distortion"].__class__(
        **{**vars(report["distortion"]), "name": "progressive_distortion"}
    )


def test_few_examples_state_no_error_over_the_data(report):
    assert report.levels[2]["rate"].se_data is None
    assert report.progressive.points[0].distortion.se_data is None


def test_another_prior_is_of_the_first_level(report):
    wide = torch.distributions.Normal(torch.zeros(2), 2 * torch.ones(2))
    again = genprobe.report_from_store(report.store, prior=wide)
    moved = again["rate"].value - report["rate"].value
    assert moved == pytest.approx(again.levels[0]["rate"].value - report.levels[0]["rate"].value)
    assert again.levels[2]["rate"].value == report.levels[2]["rate"].value
    assert abs(moved) > 0.1


def test_dimensions_that_carry_nothing_are_those_of_the_first_level():
    def with_one_idle(x):
        q = {"loc": torch.stack([x[:, 0], 0 * x[:, 1]], 1), "scale": torch.tensor([0.5, 1.0])}
        z = yield q, {"loc": torch.zeros(2), "scale": torch.ones(2)}
        yield {"loc": x[:, 1:], "scale": torch.ones(2)}, {"loc": z, "scale": torch.ones(2)}

    def both(draws):
        return {"loc": torch.cat([draws[0][:, :1], draws[1]], 1), "scale": torch.tensor(0.4)}

    parts = {"posterior": "diagonal-normal", "likelihood": "normal"}
    model = genprobe.Model(name="m", chain=with_one_idle, decode=both, **parts)
    x = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
    report = genprobe.evaluate(model, x)
    (notice,) = (w for w in report.warnings if w.code == "collapsed-dimensions")
    assert notice.message == "1 of 2 latent dimensions of z₁ carry nothing (1)."
    assert any(sentence.startswith("Shrink z₁ to 1:") for sentence in report.verdict)
