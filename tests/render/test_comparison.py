import math
import re
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from genprobe.comparison import compare
from genprobe.render.comparison import to_markdown, to_text

LONG = "runs/2024-05-17/beta-vae-with-a-very-long-name-" + "x" * 120


@pytest.fixture
def make_comparison(make_report):
    """Two models; the first has the lower rate and the better ELBO."""

    def make(first="a", second="b"):
        return compare([make_report(model=second, shift=1.0), make_report(model=first)])

    return make


def test_models_stand_from_the_lowest_rate_to_the_highest(make_comparison):
    lines = to_text(make_comparison()).splitlines()
    assert lines[0] == "2 models on digits: N = 1000, nats"
    assert lines[1].split() == ["model", "R", "D", "ELBO", "I(n;z)", "KL", "regime"]
    assert [line.split()[:2] for line in lines[2:4]] == [["a", "20.000"], ["b", "21.000"]]


def test_the_star_is_on_the_best_elbo_alone(make_comparison):
    text = to_text(make_comparison())
    assert "−90.000 *" in text
    assert "−91.000 *" not in text


def test_the_star_tells_models_of_one_name_apart(make_comparison):
    text = to_text(make_comparison("model", "model"))
    assert "−90.000 *" in text
    assert "−91.000 *" not in text


def test_a_number_that_a_model_lacks_is_a_dash(make_comparison):
    row = to_text(make_comparison()).splitlines()[2]
    assert row.split()[5] == "6.000"
    assert row.split()[6] == "–"


@pytest.mark.parametrize("unit", ["nats", "bits", "bits/dim"])
@pytest.mark.parametrize("name", ["a", LONG, "模型" * 60])
def test_every_line_fits_80_columns(make_comparison, name, unit):
    assert max(map(cell_len, to_text(make_comparison(name), unit).splitlines())) <= 80


def test_no_number_is_cut_for_a_long_name(make_comparison):
    row = next(line for line in to_text(make_comparison(LONG)).splitlines() if "20.000" in line)
    assert row.count("70.000") == row.count("−90.000 *") == 1


def test_brackets_in_a_name_are_not_markup(make_comparison):
    assert "vae[beta=4]" in to_text(make_comparison("vae[beta=4]"))


def test_all_numbers_are_in_the_unit_asked_for(make_comparison):
    text = " ".join(to_text(make_comparison(), "bits").split())
    assert f"a {20 / math.log(2):.3f} {70 / math.log(2):.3f}" in text
    assert f"Ĥ = {90 / math.log(2):.3f} bits, from R + D of" in text


def test_it_prints_through_str_and_rich_alike(make_comparison):
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(make_comparison())
    printed = [line.rstrip() for line in out.getvalue().splitlines()]
    assert printed == str(make_comparison()).splitlines() == to_text(make_comparison()).splitlines()


@pytest.mark.parametrize("name", ["a", "a|b", "<b>a</b>"])
def test_markdown_is_one_table_of_seven_columns(make_comparison, name):
    text = to_markdown(make_comparison(name))
    table = [re.split(r"(?<!\\)\|", x)[1:-1] for x in text.splitlines() if x.startswith("|")]
    assert "<" not in text
    assert {len(row) for row in table} == {7}
    assert [row[1].strip() for row in table] == ["R", "--:", "20.000", "21.000"]
