from genprobe.comparing.compare import compare
from genprobe.render.text import rows
from genprobe.render.text.comparison_rows import headings
from genprobe.render.text.headings import COLUMNS, ERRORS, SPELT, heading_of


def test_what_is_shown_short_and_spelt_is_the_same_in_the_same_order():
    assert list(SPELT) == list(COLUMNS)
    assert list(COLUMNS) == ["rate", "distortion", "elbo", "mutual_information", "marginal_kl"]


def test_what_a_plugin_s_estimator_says_heads_the_column_it_is_sorted_by(told_apart):
    assert heading_of("told_apart") == "apart"
    assert headings(compare(told_apart, sort="told_apart"))["told_apart"] == "apart"


def test_there_is_a_heading_for_each_error_of_a_row():
    assert len(ERRORS) == len(rows.Row._fields) - len(("name", "value"))
