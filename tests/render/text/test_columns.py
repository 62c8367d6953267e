from genprobe.render.text.columns import Column, stacked, table_of
from genprobe.render.text.table import plain

VALUES = Column(heading="ELBO", cells=["−16.85", "−1080.25"])
WORDS = Column(heading="regime", cells=["knee", "autodecoder"], number=False)


def test_names_and_numbers_stand_in_lines_where_they_fit():
    text = plain(table_of(["a", "b"], [[VALUES, WORDS]], 40), 40)
    assert text.splitlines() == [
        "model      ELBO  regime",
        "a        −16.85  knee",
        "b      −1080.25  autodecoder",
    ]


def test_the_first_choice_that_fits_is_taken():
    wide = Column(heading="ΔELBO", cells=["1.00 ± 0.25", "2.00 ± 0.25"])
    assert "±" in plain(table_of(["a", "b"], [[VALUES, wide], [VALUES]], 40), 40)
    assert "±" not in plain(table_of(["a", "b"], [[VALUES, wide], [VALUES]], 20), 20)


def test_names_take_two_lines_before_the_table_is_stacked():
    text = plain(table_of(["beta-0.05/seed-1", "b"], [[VALUES, WORDS]], 34), 34)
    assert text.splitlines()[1].startswith("beta-0.05/ ")
    assert text.splitlines()[2] == "seed-1"
    narrow = plain(table_of(["beta-0.05/seed-1", "b"], [[VALUES, WORDS]], 24), 24)
    assert narrow.splitlines()[0] == "beta-0.05/seed-1"


def test_stacked_numbers_keep_every_digit():
    text = stacked(["a", "b"], [VALUES, WORDS], 16).plain
    assert text.splitlines()[:5] == ["a", "  ELBO −16.85", "  regime knee", "b", "  ELBO −1080.25"]
