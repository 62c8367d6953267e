import pytest

from genprobe.comparing.compare import compare
from genprobe.render.text.comparison import comparison_to_text
from genprobe.render.text.comparison_warnings import shared_warnings
from genprobe.render.text.latex import comparison_to_latex
from genprobe.render.text.markdown import comparison_to_markdown
from genprobe.types import Notice


def warning(code, message="It is 3.", remedy="Do this."):
    return Notice(code=code, message=message, remedy=remedy)


@pytest.fixture
def compared(make_report):
    """A comparison of models with these warnings, by their names."""

    def compared(**warnings):
        return compare(
            [make_report(model=name, warnings=given) for name, given in warnings.items()],
            sort="name",
        )

    return compared


def texts(comparison):
    return [f"{n.code}: {n.message} {n.remedy}" for n in shared_warnings(comparison)]


def test_models_without_warnings_have_none(compared):
    assert texts(compared(a=[], b=[])) == []


def test_a_warning_of_one_model_is_told_in_full(compared):
    assert texts(compared(a=[warning("high")], b=[])) == ["high: a. It is 3. Do this."]


def test_a_warning_of_several_is_told_once_without_their_numbers(compared):
    found = compared(
        a=[warning("high"), warning("low")], b=[], c=[warning("high", message="It is 4.")]
    )
    assert texts(found) == ["high: a, c. Do this.", "low: a. It is 3. Do this."]


def test_what_all_models_share_is_told_of_all(compared):
    same = [warning("grey", message="Values are grey.")]
    assert texts(compared(a=same, b=same)) == ["grey: all models. Values are grey. Do this."]


def test_of_one_code_two_remedies_are_two_warnings(compared):
    found = compared(a=[warning("high")], b=[warning("high", remedy="Do that.")])
    assert texts(found) == ["high: a. It is 3. Do this.", "high: b. It is 3. Do that."]


def test_many_models_are_not_all_named(compared):
    found = compared(**{f"m{i:03}": [warning("high", message=f"It is {i}.")] for i in range(30)})
    found = compare([*found.reports, compared(z=[]).reports[0]], sort="name")
    (only,) = shared_warnings(found)
    assert only.message.startswith("m000, m001, ")
    assert only.message.endswith(" and 18 more.")


def test_the_table_ends_with_them_unless_they_were_shown_before(compared):
    found = compared(a=[warning("high")], b=[])
    assert comparison_to_text(found).rstrip().endswith("! high: a. Do this.")


def test_a_name_cannot_colour_the_terminal(compared):
    found = compared(**{"a\x1b[31m": [warning("high")], "b": []})
    assert "\x1b" not in comparison_to_text(found)


def test_markdown_and_latex_have_them_too(compared):
    found = compared(**{"a_1": [warning("high")], "b*": []})
    assert comparison_to_markdown(found).rstrip().endswith("- `high`: a_1. It is 3. Do this.")
    assert comparison_to_latex(found).rstrip().endswith(r"% high: a\_1. It is 3. Do this.")


def test_two_of_one_kind_on_one_model_are_both_told(compared):
    found = compared(a=[warning("high"), warning("high", message="It is 4.")], b=[])
    assert texts(found) == ["high: a. It is 3. It is 4. Do this."]


def test_below_the_models_own_tables_they_are_left_out(compared):
    found = compared(a=[warning("high")], b=[])
    assert "high" not in comparison_to_markdown(found, warnings=False)
    assert "high" not in comparison_to_latex(found, warnings=False)


def test_a_name_that_reads_like_a_note_stays_a_name(compared):
    text = comparison_to_markdown(compared(**{"x * the best": [], "b": []}))
    assert "Bold: the best" in text
    assert r"x \* the best" in text
    assert "x Bold" not in text
