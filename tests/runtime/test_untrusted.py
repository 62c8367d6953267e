import os
import socket
from pathlib import Path

import pytest

from genprobe.errors import DataError, GenprobeError
from genprobe.runtime.untrusted import (
    is_absent,
    reading,
    require_backed,
    require_readable,
)


def made(folder, kind):
    path = folder / kind
    match kind:
        case "named pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(str(path))
        case "device":
            path = Path("/dev/zero")
        case "folder":
            path.mkdir()
        case "symbolic link to":
            path.symlink_to(folder / "absent")
        case "Too many levels":
            path.symlink_to(path)
        case "There is no report":
            pass
        case "too long":
            path = folder / ("x" * 3000)
        case "null byte":
            path = folder / "x\0y"
    return path


@pytest.mark.parametrize(
    "kind",
    [
        *("named pipe", "socket", "device", "folder", "symbolic link to"),
        *("Too many levels", "There is no report", "too long", "null byte"),
    ],
)
def test_what_is_no_file_is_told_at_once(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket may not be long
    with pytest.raises(DataError, match=kind) as told:
        require_readable(made(Path(), kind).absolute(), "report", error=DataError)
    assert told.value.remedy
    assert len(str(told.value).splitlines()) == 2


def test_a_file_without_permission_is_told(tmp_path, monkeypatch):
    (tmp_path / "x").touch()

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(GenprobeError, match=r"x cannot be read: Permission denied\.\n.*permiss"):
        require_readable(tmp_path / "x")


def test_a_file_passes_and_a_folder_where_one_may_be(tmp_path):
    (tmp_path / "x").touch()
    require_readable(tmp_path / "x")
    require_readable(tmp_path, folder=True)


def test_only_what_is_nowhere_is_absent(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    assert is_absent(tmp_path / "x")
    assert is_absent(Path(__file__) / "x")
    assert not is_absent(tmp_path / "link")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (RecursionError(), "nested too deeply"),
        (MemoryError(), "more than fits into memory"),
        (KeyError("n"), "has no 'n'"),
        (EOFError(), "cut short"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (OverflowError("too large"), "too large"),
        (ValueError(), "ValueError"),
        (ValueError("x" * 10**5), "x{199}…"),
    ],
)
def test_whatever_a_library_raises_is_one_line_that_names_the_file(fault, words):
    with (
        pytest.raises(DataError, match=rf"^x\.bin does not read as noise: .*{words}\.\nAgain\.$"),
        reading(Path("x.bin"), "noise", "Again.", DataError),
    ):
        raise fault


def test_an_error_of_genprobe_passes_as_it_is():
    with pytest.raises(DataError, match="mine"), reading(Path("x"), "y"):
        raise DataError("mine")


def test_packed_bytes_may_stand_for_many():
    require_backed("x", 1000, 1, packed=True)
    for claimed, packed in ((1000, False), (2000, True), (-1, False)):
        with pytest.raises(ValueError, match="x claims"):
            require_backed("x", claimed, 1, packed)
