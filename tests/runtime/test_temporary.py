import tempfile

import pytest

from genprobe.errors import GenprobeError
from genprobe.runtime.temporary import explain_temporary


def test_where_no_folder_can_be_written_the_one_that_was_named_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "absent"))

    def refuse():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", refuse)
    with (
        pytest.raises(GenprobeError, match=r"x cannot be kept in .*absent: No usable") as told,
        explain_temporary("x", "do without"),
    ):
        tempfile.gettempdir()
    assert told.value.remedy == "Set TMPDIR to a folder with room, or do without."
