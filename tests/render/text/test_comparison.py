import dataclasses
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

NOTICE = Notice(code="", message="What is wrong.", remedy="What to do.")


@pytest.fixture
def make_comparison(make_report):
    """Two models; the first has the lower rate and the better ELBO."""

    def make(first="a", second="b"):
        return compare([make_report(model=second, shift=1.0), make_report(model=first)])

    return make


def rows_of(text):
    """The lines of the table, by the name that each begins with."""
    table = text.partition("\nmodel ")[2].partition("\n\n")[0]
    return {line.split()[0]: line for line in table.splitlines()[1:]}


def test_the_verdict_comes_first_and_then_the_best_elbo(make_comparison):
    lines = comparison_to_text(make_comparison()).splitlines()
    assert lines[0] == "2 models on digits: N = 1000, nats, best ELBO first"
    assert lines[1].startswith("a has the best ELBO, −90.00 ± 0.25")
    head = lines.index("") + 1
    assert lines[head].split() == ["model", "ELBO", "ΔELBO", "R", "D", "I(n;z)", "regime"]
    assert [line.split()[:2] for line in lines[head + 1 : head + 3]] == [
        ["a", "−90.00"],
        ["b", "−91.00"],
    ]


def test_a_label_in_doubt_is_marked_and_the_mark_told(make_report):
    blind = Notice(code="distortion-above-blind", message="It is high.", remedy="Look.")
    text = comparison_to_text(
        compare([make_report(model="a", warnings=[blind]), make_report(model="b")])
    )
    assert re.search(r"^a .* semantic-encoder \?$", text, re.MULTILINE)
    assert "? a label in doubt: it does worse than a decoder without a code." in " ".join(
        text.split()
    )
    assert "next to nothing" not in text


def test_a_single_model_is_the_best_of_nothing(make_report):
    text = comparison_to_text(compare([make_report()]))
    assert "*" not in text
    assert "●" not in text


def test_a_number_that_a_model_lacks_is_a_dash(make_report):
    bare = make_report(model="b", estimates={"rate": make_report()["rate"]})
    row = rows_of(comparison_to_text(compare([make_report(model="a"), bare])))["b"]
    assert row.split().count("–") == 3


@pytest.mark.parametrize("unit", ["nats", "bits", "bits/dim"])
@pytest.mark.parametrize("name", ["a", LONG, "模型" * 60])
def test_every_line_fits_80_columns(make_comparison, name, unit):
    assert max(map(cell_len, comparison_to_text(make_comparison(name), unit).splitlines())) <= 80


@pytest.mark.parametrize("width", [30, 60, 80, 100])
def test_no_digit_is_cut_however_wide_a_number_is(make_report, make_estimate, width):
    wide = {
        k: make_estimate(k, v, se_data=e)
        for k, v, e in (
            ("rate", 123456789.123456, 0.25),
            ("distortion", 1080143699208.055, 1e3),
            ("elbo", -999999999.25, 0.25),
            ("mutual_information", 6.9077, 0.25),
        )
    }
    models = [make_report(model="a-model-of-some-name", estimates=wide), make_report(model="b")]
    text = comparison_to_text(compare(models), width=width)
    for digits in ("123456789.12", "1.080e+12", "−999999999.25", "6.91", "20.00", "−90.00"):
        assert digits in text
    assert max(map(cell_len, text.splitlines())) <= width


def test_brackets_in_a_name_are_not_markup(make_comparison):
    assert "vae[beta=4]" in comparison_to_text(make_comparison("vae[beta=4]"))


def test_all_numbers_are_in_the_unit_asked_for(make_comparison):
    text = " ".join(comparison_to_text(make_comparison(), "bits").split())
    assert f" {20 / math.log(2):.2f} {70 / math.log(2):.2f} " in text
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


def test_the_hull_is_marked_and_with_details_named(make_comparison):
    rows = rows_of(comparison_to_text(make_comparison()))
    assert {name: "●" in row for name, row in rows.items()} == {"a": True, "b": False}
    assert "● a: no model, and no mixture of two" in comparison_to_text(
        make_comparison(), details=True
    )


def test_a_model_inside_the_hull_is_on_the_frontier_only(make_report, make_estimate):
    def at(name, rate, distortion):
        values = {"rate": rate, "distortion": distortion, "elbo": -rate - distortion}
        estimates = {k: make_estimate(k, v) for k, v in values.items()}
        return make_report(model=name, estimates=estimates)

    found = compare([at("low", 0, 10), at("middle", 5, 6), at("high", 10, 0)])
    marks = {k: row.split()[-2] for k, row in rows_of(comparison_to_text(found)).items()}
    assert marks == {"low": "●", "middle": "○", "high": "●"}
    assert "○ no other model, but a mixture" in " ".join(comparison_to_text(found).split())
    assert "○ middle: on the Pareto frontier, but inside" in comparison_to_text(found, details=True)


def test_what_it_is_sorted_by_gets_a_column(make_report):
    reports = [make_report(model="a"), make_report(model="b", shift=1.0)]
    text = comparison_to_text(compare(reports, sort="log_n"))
    assert text.splitlines()[0].endswith(", by log_n")
    assert "log N" in text.partition("\nmodel")[2].splitlines()[0]
    assert "6.91" in rows_of(text)["a"]


def test_differences_show_their_error_their_z_and_the_verdict(make_comparison):
    text = comparison_to_text(make_comparison(), details=True)
    assert "−1.00 ± 0.35†" in rows_of(text)["b"]
    table = text.partition("Differences from a, ± over 1000 examples\n")[2]
    row = next(x for x in table.splitlines() if x.startswith("b")).split()
    # 0.25 and 0.25 of two models that are not paired add up to 0.354.
    assert " ".join(row) == "b −1.00 ± 0.35† −2.8 1.00 ± 0.35† 0.00 ± 0.35† worse †"
    assert "† unpaired" in text
    assert "better, worse: |z| > 1.96 of the ELBO, 5 %." in text


def test_many_models_are_held_to_a_larger_z(make_report):
    def told(**options):
        reports = [make_report(model=f"m{i}", shift=i / 2) for i in range(6)]
        return " ".join(comparison_to_text(compare(reports, **options), details=True).split())

    text = told()
    assert "|z| > 2.94 of the ELBO, 5 % for all 15 comparisons at once (Bonferroni)" in text
    assert re.search(r"m4 −2.00 ± 0.35† −5.7 .*? worse", text)
    assert re.search(r"m1 −0.50 ± 0.35† −1.4 .*? unclear", text)
    named = told(against="m5")
    assert "|z| > 2.58 of the ELBO, 5 % for all 5 comparisons at once" in named
    assert re.search(r"m0 2.50 ± 0.35† 7.1 .*? better", named)


def test_what_leaves_doubt_is_marked(make_told):
    rows = rows_of(comparison_to_text(make_told(9.0, 1.0)))
    assert {name: "≈" in row for name, row in rows.items()} == {"a": False, "b": False, "c": True}


def test_of_two_hundred_models_the_first_have_a_line(make_report):
    reports = [make_report(model=f"model-{i:03d}", shift=i / 10) for i in range(200)]
    text = comparison_to_text(compare(reports))
    assert list(rows_of(text))[:3] == ["model-000", "model-001", "model-002"]
    assert len(rows_of(text)) == 18 + 1, "and the line that counts the others"
    assert "… and 182 more, none of them on the frontier." in text
    assert max(map(cell_len, text.splitlines())) <= 80


def test_twelve_models_of_long_paths_take_one_line_each_of_at_most_45(curve):
    models = [
        dataclasses.replace(
            report,
            model="vae",
            provenance={
                **report.provenance,
                "store": f"runs/exp-2024/beta-{i % 6}/seed-{i}/vae.h5",
            },
            warnings=[dataclasses.replace(NOTICE, code=f"kind-{k}") for k in range(4 + i % 2)],
        )
        for i, report in enumerate(curve(12))
    ]
    found = compare(models)
    text = comparison_to_text(found)
    assert len(text.splitlines()) + len(models) <= 45
    assert "! warnings: kind-0 of 12, kind-1 of 12, kind-2 of 12, kind-3 of 12, kind-4 of" in text
    assert list(rows_of(text)) == list(found.names)
    assert len(set(found.names)) == 12
    assert max(map(len, found.names)) <= 20
    elbos = [report["elbo"].value for report in found.reports]
    assert elbos == sorted(elbos, reverse=True)
    assert max(map(cell_len, text.splitlines())) <= 80


def test_a_name_cannot_write_to_the_terminal(make_comparison):
    text = comparison_to_text(make_comparison("red\x1b[31m\r\nnext"))
    assert "\x1b" not in text
    assert r"red\x1b[31m\r\nnext" in text


def test_long_names_that_differ_in_the_middle_alone_are_told_apart_in_one_line(make_comparison):
    first, second = ("x" * 60 + middle + "y" * 60 for middle in "ab")
    rows = rows_of(comparison_to_text(make_comparison(first, second)))
    assert list(rows) == ["…xxxxxxayyyyyy…", "…xxxxxxbyyyyyy…"]


def test_a_density_beside_a_probability_is_told_and_not_ranked(make_report):
    from genprobe.types import Notice

    density = Notice(code="density-distortion", message="", remedy="")
    text = comparison_to_text(
        compare([make_report(model="a"), make_report(model="b", warnings=[density])])
    )
    assert "*" not in text
    assert "●" not in text
    assert "Choose none by these numbers" in text
    assert "D and ELBO do not compare" in " ".join(text.split())
    assert "ΔELBO" not in text
