"""A result folder is there whole, or as it was."""

import contextlib
from pathlib import Path

import pytest

from genprobe.runtime.output_folder import write_folder


def test_a_folder_is_replaced_whole(tmp_path):
    for text in ("old", "new"):
        with write_folder(tmp_path / "r") as folder:
            (folder / text).write_text(text)
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["r", "r/new"]


@pytest.mark.parametrize("fault", [ZeroDivisionError, KeyboardInterrupt, OSError])
def test_a_fault_leaves_the_old_folder_and_nothing_else(tmp_path, fault):
    with write_folder(tmp_path / "r") as folder:
        (folder / "old").touch()
    with contextlib.suppress(fault), write_folder(tmp_path / "r") as folder:
        (folder / "half").touch()
        raise fault
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["r", "r/old"]


def test_a_folder_that_does_not_get_its_name_gives_it_back(tmp_path, monkeypatch):
    with write_folder(tmp_path / "r") as folder:
        (folder / "old").touch()
    replace = Path.replace

    def once(self, target):
        if (self / "new").exists():
            raise OSError("refused")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", once)
    with pytest.raises(OSError, match="refused"), write_folder(tmp_path / "r") as folder:
        (folder / "new").touch()
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["r", "r/old"]
