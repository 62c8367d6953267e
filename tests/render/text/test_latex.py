r"""LaTeX, read back: every row has the columns its preamble announces, and no text commands."""

import re

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.text.latex import comparison_to_latex, escape_latex, to_latex

NAUGHTY = 'a\\input{b} 50% $x_1^2$ #& ~<b>|"\n]['


def tables(text):
    """Each tabular as its number of columns and its rows of cells."""
    found = re.findall(r"\\begin\{tabular\}\{([^\n]*)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL)
    for preamble, body in found:
        columns = len(re.sub(r"@\{.*?\}(?=[lr])", "", preamble.replace(r"${}\pm{}$", "±")))
        lines = [line for line in body.splitlines() if line.endswith(r"\\")]
        yield columns, [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in lines]


def spans(cell):
    """How many columns a cell takes."""
    found = re.search(r"\\multicolumn\{(\d)\}", cell)
    return int(found[1]) if found else 1


def balanced(text):
    depth = 0
    for mark in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if mark == "{" else -1
        assert depth >= 0
    return depth == 0 and len(re.findall(r"(?<!\\)\$", text)) % 2 == 0


@pytest.fixture
def comparison(make_report):
    def make(name="a", **options):
        lacking = make_report(model="c", shift=2.0)
        less = {k: v for k, v in lacking.estimates.items() if k in ("rate", "log_n")}
        return compare(
            [
                make_report(model=name),
                make_report(model="b", shift=1.0),
                make_report(model="c", estimates=less),
            ],
            **options,
        )

    return make


@pytest.mark.parametrize("name", ["a", NAUGHTY])
@pytest.mark.parametrize("options", [{}, {"sort": "log_n"}, {"side_by_side": True}], ids=str)
def test_every_row_of_a_comparison_has_its_columns(comparison, name, options):
    text = comparison_to_latex(comparison(name, **options))
    found = list(tables(text))
    assert len(found) == (1 if "side_by_side" in options else 2)
    assert balanced(text)
    for columns, rows in found:
        assert len(rows) in (3, 4)
        assert {sum(map(spans, row)) for row in rows} == {columns}


def test_every_row_of_a_report_has_its_columns(make_report):
    text = to_latex(make_report(model=NAUGHTY), details=True)
    [(columns, rows)] = tables(text)
    assert balanced(text)
    assert {sum(map(spans, row)) for row in rows} == {columns} == {4}


def test_numbers_stand_before_and_after_their_plus_minus(comparison):
    [first, second] = tables(comparison_to_latex(comparison()))
    row = next(row for row in first[1] if row[0].strip() == "b")
    assert [cell.strip() for cell in row[1:7]] == [
        "$21.00$",
        "$0.25$",
        r"$\mathbf{70.00}$",
        "$0.25$",
        "$-91.00$",
        "$0.25$",
    ]
    row = next(row for row in second[1] if row[0].strip() == "b")
    assert [cell.strip() for cell in row[1:4]] == ["$-1.00$", "$0.35$", "$-2.8$"]


def test_what_is_not_there_has_no_plus_minus(comparison):
    rows = next(tables(comparison_to_latex(comparison())))[1]
    row = next(row for row in rows if row[0].strip() == "c")
    assert row[3].strip() == r"\multicolumn{1}{r}{--}"


def test_the_booktabs_rules_are_there_and_the_unit_is_said(make_report):
    text = to_latex(make_report(), "bits", details=True)
    for rule in ("toprule", "midrule", "bottomrule"):
        assert rf"\{rule}" in text
    assert "bits" in text


def test_text_is_printed_and_not_run():
    text = escape_latex(NAUGHTY)
    commands = set(re.findall(r"\\([a-z]+)", text))
    assert commands == {
        "textbackslash",
        "textasciicircum",
        "textasciitilde",
        "textless",
        "textgreater",
        "textbar",
    }
    assert "\n" not in text
    assert not re.search(r"(?<!\\)[$#&%_]", text)


@pytest.mark.parametrize("name", ["[c]", "*"])
def test_a_name_is_no_option_of_the_line_break_before_it(make_report, name):
    text = comparison_to_latex(compare([make_report(), make_report(model=name, shift=1.0)]))
    assert not re.search(r"\\\\\s*[\[*]", text)


@pytest.mark.parametrize("name", ["x\n\\end{document}", "x\r\\end{document}"])
def test_a_name_cannot_leave_its_comment(make_report, name):
    text = to_latex(make_report(model=name), details=True)
    assert all("end{document}" not in line for line in text.splitlines()[1:])
    assert r"\end{document}" not in text
