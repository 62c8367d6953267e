"""What a diffusion model's nats are said to be paid for, as text, Markdown and LaTeX."""

import dataclasses
from html import unescape

import pytest

from genprobe.render.text.chain_lines import chain_lines
from genprobe.render.text.diffusion_lines import spelt_diffusion_lines
from genprobe.render.text.latex import to_latex
from genprobe.render.text.markdown import to_markdown
from genprobe.render.text.short_rows import Scale
from genprobe.report.levels import Level
from genprobe.report.progressive_curve import ProgressiveCurve, ProgressivePoint
from genprobe.types import Estimate

NATS = Scale("nats", 1.0, 3)


def figure(value, unit="nats"):
    return Estimate(
        name="rate", value=value, se=0.05, se_data=0.25, kind="estimate", unit=unit, n=1000
    )


@pytest.fixture
def diffusion(make_report):
    """R 20, of which 8 are paid for below SNR 1."""
    report = make_report()
    named = [("noisiest state", 0.1), ("SNR 2⁻¹–2⁰", 7.9), ("SNR 2⁰–2¹", 12.0)]
    levels = tuple(Level(name=name, estimates={"rate": figure(value)}) for name, value in named)
    points = [("t = 9", 0.1, 80.0, 120.0), ("t = 0", 20.0, 5.0, 70.0)]
    curve = ProgressiveCurve(
        steps="time",
        points=tuple(
            ProgressivePoint(
                label=label,
                rate=figure(rate),
                distortion=figure(error, "squared error"),
                coded=figure(nats),
            )
            for label, rate, error, nats in points
        ),
    )
    facts = {**report.provenance, "diffusion": {"steps": 10, "looked_at": 4, "decoded": 1}}
    return dataclasses.replace(report, levels=levels, progressive=curve, provenance=facts)


@pytest.mark.parametrize(
    ("details", "said"),
    [
        (False, ["half of R is paid by SNR", "x̂ errs by (R): 2 (0.10), 0.5 (20.00)"]),
        (True, ["noisiest state 0.10 ± 0.25, SNR", "t = 9 R 0.10 ± 0.25, D 120.00 ± 0.25, 2 a"]),
    ],
)
def test_markdown_and_latex_say_what_the_screen_does(diffusion, details, said):
    markdown = unescape(to_markdown(diffusion, details=details)).replace("\\", "")
    latex = to_latex(diffusion, details=details).replace(r"$\pm$", "±")
    (comment,) = [line for line in latex.splitlines() if line.startswith("% Time")]
    for words in said:
        assert words in markdown
        assert words in comment
    assert "SNR 2⁰–2¹" in markdown
    assert "SNR 2$^0$--2$^1$" in comment


def test_levels_are_in_latex_too_and_no_index_that_it_cannot_print(make_report):
    levels = tuple(
        Level(name=f"z{i}", estimates={"rate": figure(rate)}, shape=(2,), family="laplace")
        for i, rate in (("₁", 7.0), ("₂", 13.0))
    )
    report = dataclasses.replace(make_report(), levels=levels)
    latex = to_latex(report, details=True)
    assert "% Levels R by level: z$_1$ 7.00, z$_2$ 13.00" in latex
    assert "mutual information I(n;z$_1$) &" in latex
    assert chain_lines(report, NATS)[0].startswith("z₁")


def test_other_models_have_no_such_lines(make_report):
    assert spelt_diffusion_lines(make_report(), NATS) == []
    assert "Time" not in to_markdown(make_report()) + to_latex(make_report())
