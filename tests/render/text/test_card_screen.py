import dataclasses

import pytest
import torch

import genprobe
from genprobe.render.text.card_screen import card_screen
from genprobe.render.text.table import plain
from genprobe.report import Estimate
from genprobe.types import Notice


def screen(report, width=80):
    return plain(card_screen(report), width).splitlines()


@pytest.fixture(scope="module")
def report():
    index = torch.randint(40, (200, 4, 5, 5), generator=torch.Generator().manual_seed(0))
    index[:, 1:] = index[:, :1]
    return genprobe.evaluate_posteriors(
        {"index": index, "classes": 64}, family="residual-codes", event_shape=(3, 32, 32)
    )


def test_a_screen_fits_whatever_is_wrong(report):
    assert len(screen(report)) <= 24
    notices = [Notice(code=f"code-{i}", message="What is wrong. " * 9, remedy="") for i in range(9)]
    quality = {
        name: Estimate(name=name, value=1.0, se=0.0, se_data=0.1, kind="estimate", n=200)
        for name in ("psnr", "ssim", "ms_ssim", "rfid", "lpips")
    }
    worst = dataclasses.replace(
        report,
        model="m" * 200,
        dataset="d" * 200,
        warnings=[*report.warnings, *notices],
        estimates={**report.estimates, **quality},
    )
    lines = screen(worst)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "more:" in lines[-1]


def test_a_narrow_screen_loses_no_digit(report):
    lines = screen(report, 40)
    assert max(map(len, lines)) <= 40
    bits = f"{report.tokens.best.bits_per_pixel:.4f}"[:5]
    assert any(bits in line for line in lines)


def test_candidates_stand_below_each_other_with_the_one_that_knows_nothing_first(report):
    lines = screen(report)
    start = next(i for i, line in enumerate(lines) if line.startswith("a generator that knows"))
    shown = [line[2:25].strip() for line in lines[start + 1 : start + 6]]
    assert shown[0].startswith("nothing")
    assert any(name.startswith("level before") for name in shown)


def test_a_report_without_estimates_has_a_screen():
    params = {"loc": torch.zeros(200, 3), "scale": torch.ones(200, 3)}
    lines = screen(genprobe.evaluate_posteriors(params, estimators={}))
    assert "3 latent dimensions" in lines[0]


def test_one_of_a_kind_is_named_so():
    one = genprobe.evaluate_posteriors({"index": torch.zeros(200, 1), "classes": 1})
    lines = screen(one)
    assert lines[0].endswith("N = 200, 1 token of 1 code")
    assert any("100 % of 1 code used" in line for line in lines)
