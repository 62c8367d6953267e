import math
import re

import pytest

from genprobe.comparing.compare import compare
from genprobe.escape import escape
from genprobe.render.text.markdown import (
    comparison_to_markdown,
    escape_markdown,
    literal,
    to_markdown,
)
from genprobe.render.text.rows import sections


def table(text):
    """The cells of the table, as a Markdown reader splits them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_table_has_every_row_of_the_report_in_four_columns(make_report):
    header, rule, *body = table(to_markdown(make_report(), details=True))
    assert header == ["", "nats", "± Monte Carlo", "± data"]
    assert rule == [":--", "--:", "--:", "--:"]
    assert [row for row in body if not row[0].startswith("**")] == [
        list(row) for rows in sections(make_report(), 1.0).values() for row in rows
    ]


def test_the_table_is_one_block_so_that_readers_see_one_table(make_report):
    lines = to_markdown(make_report(), details=True).splitlines()
    rows = [i for i, line in enumerate(lines) if line.startswith("|")]
    assert rows == list(range(rows[0], rows[-1] + 1))


def test_the_unit_divides_the_numbers_and_heads_the_column(make_report):
    header, _, *body = table(to_markdown(make_report(), "bits", details=True))
    values = {row[0]: row[1] for row in body}
    assert header[1] == "bits"
    assert values["rate R"] == f"{20 / math.log(2):.2f}"


@pytest.mark.parametrize("name", ["a|b", "<img src=x>", "two\nlines", "a|b<i>\n|c"])
def test_no_name_breaks_the_table_or_starts_html(make_report, make_estimate, name):
    estimates = {name: make_estimate(name, 1.0)}
    text = to_markdown(make_report(model=name, estimates=estimates), details=True)
    assert "<" not in text
    assert text.startswith(f"### {escape_markdown(literal(escape(name)))} on digits")
    assert {len(row) for row in table(text)} == {4}


def test_regime_and_warnings_follow_the_table(make_report):
    text = to_markdown(make_report(), details=True)
    assert re.search(r"^\*\*Regime:\*\* semantic-encoder \(probability 1\.00\)", text, re.MULTILINE)
    assert "\n- `saturated`: I(n;z) is near log N. Use more examples.\n" in text


def test_a_report_without_warnings_has_no_list(make_report):
    assert "\n- " not in to_markdown(make_report(warnings=[]), details=True)


@pytest.mark.parametrize("name", ["a", "a|b", "<b>a</b>", "[a](javascript:b)", "`a` *b*"])
def test_markdown_is_two_tables_whose_names_are_text(make_report, name):
    models = [make_report(model="b", shift=1.0), make_report(model=name)]
    text = comparison_to_markdown(compare(models)).replace("- `saturated`", "- saturated")
    cells = [re.split(r"(?<!\\)\|", x)[1:-1] for x in text.splitlines() if x.startswith("|")]
    assert not re.search(r"<|(?<!\\)[\[`]|(?<![\\*])\*(?!\*)", text)
    assert [len(row) for row in cells] == [8] * 4 + [6] * 3
    assert [row[1].strip() for row in cells[:4]] == ["R", "--:", "20.00", "21.00"]
