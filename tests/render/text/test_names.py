import pytest

from genprobe.render.text.names import folded, width_of


@pytest.mark.parametrize(
    ("name", "room", "lines"),
    [
        ("beta-0.05/seed-1", 20, ["beta-0.05/seed-1"]),
        ("beta-0.05/seed-1", 10, ["beta-0.05/", "seed-1"]),
        ("x" * 9, 4, ["xxxx", "xxxx", "x"]),
        ("模型模型", 4, ["模型", "模型"]),
    ],
)
def test_a_name_is_broken_after_its_separators_and_else_where_it_must(name, room, lines):
    assert folded(name, room).splitlines() == lines
    assert max(map(width_of, lines)) <= room
