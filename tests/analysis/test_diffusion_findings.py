import pytest
import torch

import genprobe
from genprobe import Diffusion, Model, Report
from genprobe.analysis.diffusion_findings import CODE, best_stop

LOG_SNR = torch.linspace(6, -6, 3000).double()
ALPHA, SIGMA = LOG_SNR.sigmoid().sqrt(), (-LOG_SNR).sigmoid().sqrt()


def evaluated(off, n=300, **options):
    """Standard normal data, whose best x̂ is α x_t; ``off`` is added to it at some clean states."""

    def denoise(x, t):
        return ALPHA[t].to(x)[:, None] * x + off * ((t > 0) & (t < 400)).to(x)[:, None]

    chain = Diffusion(alpha=ALPHA, sigma=SIGMA, denoise=denoise, predicts="x")
    model = Model(name="chain", diffusion=chain, likelihood="normal")
    x = torch.randn(n, 8, generator=torch.Generator().manual_seed(0))
    return genprobe.evaluate(model, x, device="cpu", **options)


@pytest.fixture(scope="module")
def wrong():
    return evaluated(3.0)


def test_steps_that_cost_more_than_they_save_are_found(wrong):
    point, saved, error = best_stop(wrong.progressive, wrong.estimates)
    # Of standard normal data every state that is not off says of x what it costs.
    assert int(point.label.removeprefix("t = ")) >= 400
    whole = -wrong["elbo"].value
    assert saved == pytest.approx(whole - point.rate.value - point.coded.value)
    assert saved > 5 * error
    [notice] = [w for w in wrong.warnings if w.code == CODE]
    assert point.label in notice.message
    assert wrong.verdict[0].startswith(f"Stop the chain at {point.label} ")
    again = Report.from_json(wrong.to_json())
    assert again.verdict == wrong.verdict


def test_a_bound_at_each_state_is_one(wrong):
    """The entropy of standard normal data is below R + D wherever the chain is cut."""
    entropy = 4 * torch.log(torch.tensor(2 * torch.pi)).item() + 4
    for point in wrong.progressive.points:
        above = point.rate.value + point.coded.value - entropy
        assert above > -3 * (point.rate.se_data + point.coded.se_data)


def test_a_chain_that_pays_is_left_alone():
    report = evaluated(0.0)
    assert CODE not in {w.code for w in report.warnings}
    assert best_stop(None, report.estimates) is None


def test_a_tolerance_that_is_missed_is_said(tmp_path):
    evaluated(0.0, store=tmp_path / "s.h5")
    tighter = evaluated(0.0, store=tmp_path / "s.h5", tolerance=1e-4)
    [notice] = [w for w in tighter.warnings if w.code == "tolerance-missed"]
    assert "--fresh" in notice.remedy


def test_a_tolerance_that_no_steps_reach_asks_for_examples():
    report = evaluated(3.0, n=1, tolerance=1e-6)
    [notice] = [w for w in report.warnings if w.code == "tolerance-missed"]
    assert notice.remedy == "Encode more examples: no more than 4096 steps of each are looked at."
