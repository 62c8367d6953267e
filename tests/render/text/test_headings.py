from genprobe.render.text import rows
from genprobe.render.text.headings import COLUMNS, ERRORS, FURTHER, SPELT


def test_what_is_shown_short_and_spelt_is_the_same_in_the_same_order():
    assert list(SPELT) == list(COLUMNS)


def test_every_estimate_of_genprobe_s_own_has_one_heading():
    assert not COLUMNS.keys() & FURTHER.keys()
    assert COLUMNS.keys() | FURTHER.keys() == rows.LABELS.keys() - {"slope"}


def test_there_is_a_heading_for_each_error_of_a_row():
    assert len(ERRORS) == len(rows.Row._fields) - len(("name", "value"))
