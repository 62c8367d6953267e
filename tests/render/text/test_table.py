import re

import pytest
from rich.cells import cell_len

from genprobe.render.text.table import WIDTH, to_text
from genprobe.types import Notice

LONG = "runs/2024-05-17/beta-vae-with-a-very-long-name-" + "x" * 120


@pytest.mark.parametrize("model", ["vae", LONG, "模型" * 60, "two words " * 20])
@pytest.mark.parametrize("latent", [1, 200])
@pytest.mark.parametrize("unit", ["nats", "bits", "bits/dim"])
def test_every_line_fits_80_columns(make_report, model, latent, unit):
    text = to_text(make_report(model=model, latent=latent), unit)
    assert max(map(cell_len, text.splitlines())) <= WIDTH == 80


def test_a_long_name_is_wrapped_rather_than_cut(make_report):
    assert LONG in to_text(make_report(model=LONG)).replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("latent", [1, 200])
def test_largest_and_smallest_dimension_are_both_shown(make_report, latent):
    line = next(x for x in to_text(make_report(latent=latent)).splitlines() if "by dimension" in x)
    assert line.endswith(f"1.000 … {1 / latent:.3f}")


def test_large_and_negative_numbers_stay_on_one_line(make_report, make_estimate):
    estimates = {
        "distortion": make_estimate("distortion", -1234567.8912, se=12345.678),
        "mutual_information_loo": make_estimate("mutual_information_loo", 123456.75, kind="upper"),
    }
    text = to_text(make_report(estimates=estimates))
    assert re.search(r"distortion D +−1234568 +12346 +0\.25$", text, re.MULTILINE)
    assert re.search(r"leave-one-out .*≤ 123456\.75 +exact +0\.25$", text, re.MULTILINE)


def test_numbers_are_aligned_at_their_points(make_report):
    lines = to_text(make_report()).splitlines()
    rows = [line for line in lines if re.match(r"  (rate R|distortion D|ELBO|mutual)", line)]
    assert len(rows) == 4
    assert len({len(re.match(r".*?\d\.", row).group()) for row in rows}) == 1


def test_a_boundary_shows_both_regimes(make_report, make_regime):
    unsure = make_regime(probability=0.6, alternatives=(("semantic-decoder", 0.4),))
    text = " ".join(to_text(make_report(regime=unsure)).split())
    assert "Regime semantic-encoder / semantic-decoder boundary, 0.60 / 0.40" in text


def test_a_warning_gives_code_cause_and_remedy(make_report):
    notice = Notice(code="precision", message="It is off.", remedy="Run with --dtype float64.")
    assert "! precision: It is off. Run with --dtype float64." in to_text(
        make_report(warnings=[notice])
    )


def test_brackets_in_a_name_are_not_markup(make_report, make_estimate):
    estimates = {"a[bold]b[/i]": make_estimate("a[bold]b[/i]", 1.0)}
    report = make_report(model="vae[beta=4]", estimates=estimates)
    assert "vae[beta=4] on digits" in to_text(report)
    assert "a[bold]b[/i]" in to_text(report)


def test_without_colour_nothing_but_text_is_printed(make_report):
    assert "\x1b" not in to_text(make_report())


def test_a_report_gives_its_whole_table(make_report):
    assert make_report().details() == to_text(make_report())
