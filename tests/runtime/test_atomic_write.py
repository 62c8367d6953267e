"""A file is replaced whole or not at all."""

import contextlib

from genprobe.runtime.atomic_write import atomic_write


def test_what_fails_to_be_written_leaves_the_old_file(tmp_path):
    (tmp_path / "x").write_text("old")
    with contextlib.suppress(ZeroDivisionError), atomic_write(tmp_path / "x") as aside:
        aside.write_text("half")
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"
    with atomic_write(tmp_path / "x") as aside:
        aside.write_text("new")
    assert (tmp_path / "x").read_text() == "new"
