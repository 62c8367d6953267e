import math
import re
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from genprobe.comparing.compare import compare
from genprobe.render.text.comparison import comparison_to_text
from genprobe.types import Notice

LONG = "runs/2024-05-17/beta-vae-with-a-very-long-name-" + "x" * 120


@pytest.fixture
def make_comparison(make_report):
    """Two models; the first has the lower rate and the better ELBO."""

    def make(first="a", second="b"):
        return compare([make_report(model=second, shift=1.0), make_report(model=first)])

    return make


def test_models_stand_from_the_lowest_rate_to_the_highest(make_comparison):
    lines = comparison_to_text(make_comparison()).splitlines()
    assert lines[0] == "2 models on digits: N = 1000, nats"
    assert lines[1].split() == ["model", "R", "D", "ELBO", "I(n;z)", "KL", "regime"]
    assert [line.split()[:2] for line in lines[2:4]] == [["a", "20.000"], ["b", "21.000"]]


def test_the_star_is_on_the_best_of_a_column_alone(make_comparison):
    text = comparison_to_text(make_comparison())
    assert "−90.000*" in text
    assert "−91.000 " in text
    assert "20.000*" not in text, "less rate alone is not better"


def test_a_best_of_zero_is_named_like_any_other(make_report, make_estimate):
    none = {"rate": make_estimate("rate", 0.0), "marginal_kl": make_estimate("marginal_kl", 0.0)}
    text = comparison_to_text(
        compare([make_report(model="a", estimates=none), make_report(estimates=none)])
    )
    assert "0.000*" in text
    assert "* the best KL." in text


def test_a_label_in_doubt_is_marked_and_the_mark_told(make_report):
    blind = Notice(code="distortion-above-blind", message="It is high.", remedy="Look.")
    text = comparison_to_text(
        compare([make_report(model="a", warnings=[blind]), make_report(model="b")])
    )
    assert re.search(r"^a .* semantic-encoder 1\.00 \?$", text, re.MULTILINE)
    assert "? a label in doubt: it does worse than a decoder without a code." in text
    assert "next to nothing" not in text


def test_a_single_model_is_the_best_of_nothing(make_report):
    text = comparison_to_text(compare([make_report()]))
    assert "*" not in text
    assert "●" not in text


def test_a_number_that_a_model_lacks_is_a_dash(make_comparison):
    row = comparison_to_text(make_comparison()).splitlines()[2]
    assert row.split()[4:6] == ["6.000", "–"]


@pytest.mark.parametrize("unit", ["nats", "bits", "bits/dim"])
@pytest.mark.parametrize("name", ["a", LONG, "模型" * 60])
def test_every_line_fits_80_columns(make_comparison, name, unit):
    assert max(map(cell_len, comparison_to_text(make_comparison(name), unit).splitlines())) <= 80


def test_no_number_is_cut_for_a_long_name(make_comparison):
    row = next(
        line for line in comparison_to_text(make_comparison(LONG)).splitlines() if "20.000" in line
    )
    assert row.count("70.000") == row.count("−90.000*") == 1


def test_brackets_in_a_name_are_not_markup(make_comparison):
    assert "vae[beta=4]" in comparison_to_text(make_comparison("vae[beta=4]"))


def test_all_numbers_are_in_the_unit_asked_for(make_comparison):
    text = " ".join(comparison_to_text(make_comparison(), "bits").split())
    assert f"a {20 / math.log(2):.3f} {70 / math.log(2):.3f}" in text
    assert f"Ĥ = {90 / math.log(2):.3f} bits, from R + D of" in text


def test_it_prints_through_str_and_rich_alike(make_comparison):
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(make_comparison())
    printed = [line.rstrip() for line in out.getvalue().splitlines()]
    assert (
        printed
        == str(make_comparison()).splitlines()
        == comparison_to_text(make_comparison()).splitlines()
    )


def test_the_hull_is_marked_and_named(make_comparison):
    text = comparison_to_text(make_comparison())
    rows = text.splitlines()[2:4]
    assert ["●" in row for row in rows] == [True, False]
    assert "● a: no model, and no mixture of two" in text


def test_a_model_inside_the_hull_is_on_the_frontier_only(make_report, make_estimate):
    def at(name, rate, distortion):
        values = {"rate": rate, "distortion": distortion, "elbo": -rate - distortion}
        estimates = {k: make_estimate(k, v) for k, v in values.items()}
        return make_report(model=name, estimates=estimates)

    text = comparison_to_text(compare([at("low", 0, 10), at("middle", 5, 6), at("high", 10, 0)]))
    marks = {row.split()[0]: row.split()[6] for row in text.splitlines()[2:5]}
    assert marks == {"low": "●", "middle": "○", "high": "●"}
    assert "○ middle: on the Pareto frontier, but inside" in text


def test_what_it_is_sorted_by_gets_a_column(make_report):
    reports = [make_report(model="a"), make_report(model="b", shift=1.0)]
    head = comparison_to_text(compare(reports, sort="log_n")).splitlines()
    assert head[0].endswith(", by log_n")
    assert "log N" in head[1]
    assert "6.908" in head[2]


def test_differences_show_their_error_their_z_and_the_verdict(make_comparison):
    text = comparison_to_text(make_comparison())
    assert "Differences from a, ± over 1000 examples\n" in text
    row = next(x for x in text.splitlines() if x.startswith("b") and "±" in x).split()
    # 0.25 and 0.25 of two models that are not paired add up to 0.354.
    assert " ".join(row) == "b −1.000 ± 0.354 −2.8 1.000 ± 0.354 0.000 ± 0.354 worse †"
    assert "† unpaired" in text
    assert "better, worse: |z| > 1.96 of the ELBO, 5 %." in text


def test_many_models_are_held_to_a_larger_z(make_report):
    reports = [make_report(model=f"m{i}", shift=i / 2) for i in range(6)]
    text = " ".join(comparison_to_text(compare(reports)).split())
    assert "|z| > 2.94 of the ELBO, 5 % for all 15 comparisons at once (Bonferroni)" in text
    assert re.search(r"m4 −2.000 ± 0.354 −5.7 .*? worse", text)
    assert re.search(r"m1 −0.500 ± 0.354 −1.4 .*? unclear", text)
    named = " ".join(comparison_to_text(compare(reports, against="m5")).split())
    assert "|z| > 2.58 of the ELBO, 5 % for all 5 comparisons at once" in named
    assert re.search(r"m0 2.500 ± 0.354 7.1 .*? better", named)


def test_two_hundred_models_fit_a_line_each(make_report):
    reports = [make_report(model=f"model-{i:03d}", shift=i / 10) for i in range(200)]
    text = comparison_to_text(compare(reports))
    assert len(re.findall(r"^model-\d+ .*semantic-encoder", text, re.MULTILINE)) == 200
    assert len(re.findall(r"^model-\d+ .*±", text, re.MULTILINE)) == 199
    assert max(map(cell_len, text.splitlines())) <= 80


def test_a_name_cannot_write_to_the_terminal(make_comparison):
    text = comparison_to_text(make_comparison("red\x1b[31m\r\nnext"))
    assert "\x1b" not in text
    assert r"red\x1b[31m\r\nnext" in text


def test_long_names_that_differ_in_the_middle_alone_are_not_cut(make_comparison):
    first, second = ("x" * 60 + middle + "y" * 60 for middle in "ab")
    models = comparison_to_text(make_comparison(first, second)).partition("Differences")[0]
    assert models.count("x") >= 120
    assert "…" not in models


def test_a_density_beside_a_probability_is_told_and_not_ranked(make_report):
    from genprobe.types import Notice

    density = Notice(code="density-distortion", message="", remedy="")
    text = comparison_to_text(
        compare([make_report(model="a"), make_report(model="b", warnings=[density])])
    )
    assert "*" not in text
    assert "●" not in text
    assert "D and ELBO do not compare" in " ".join(text.split())
    assert "ΔELBO" not in text
