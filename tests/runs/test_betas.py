import pytest

from genprobe.errors import GenprobeError
from genprobe.runs.betas import parse_betas


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.25:4:log5", (0.25, 0.5, 1.0, 2.0, 4.0)),
        ("0.5:1.5:lin5", (0.5, 0.75, 1.0, 1.25, 1.5)),
        ("0:1:lin3", (0.0, 0.5, 1.0)),
        ("4,0.25,1,1", (0.25, 1.0, 4.0)),
        ("2", (2.0,)),
        ("0.1:8:log9", (0.1, 0.1729, 0.2991, 0.5172, 0.8944, 1.547, 2.675, 4.626, 8.0)),
    ],
)
def test_a_grid_is_read(text, expected):
    assert parse_betas(text) == expected


def test_the_middle_of_a_symmetric_grid_is_one_exactly():
    assert 1.0 in parse_betas("0.1:10:log7")


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "1,,2", "1:2", "1:2:3", "1:2:log", "1:2:exp5", "2:1:log5", "0:1:log5"),
        *("1:2:log1", "1:2:log5:6", "-1,2", "nan", "inf,1", "1:inf:lin3", "-1:1:lin3"),
    ],
)
def test_a_grid_that_makes_no_sense_is_told(text):
    with pytest.raises(GenprobeError, match=r"β(.|\n)*LOW:HIGH:logN"):
        parse_betas(text)
