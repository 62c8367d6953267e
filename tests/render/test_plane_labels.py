import pytest

from genprobe.render.plane_labels import one_line


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vae", "vae"),
        ("$x_1$ <b>", "$x_1$ <b>"),
        ("a\x00b\nc", r"a\x00b\nc"),
        ("x" * 40, "x" * 18 + "…" + "x" * 9),
    ],
)
def test_a_name_is_on_one_line_as_it_is_written(name, expected):
    assert one_line(name) == expected
    assert len(one_line(name)) <= 28
