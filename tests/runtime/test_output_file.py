"""A result file is written whole, and never over a file that is somebody else's."""

import os
import resource
import stat
import subprocess
import sys
from functools import partial

import pytest
import torch

from genprobe.errors import GenprobeError
from genprobe.runtime import output_file
from genprobe.runtime.output_file import (
    ResultKind,
    paths_named,
    require_writable,
    same_file,
    write_result,
)

LIST = ResultKind(name="a list", wrote=lambda path: path.read_bytes().startswith(b"- "))


@pytest.fixture
def file_size_limit():
    """The system refuses to let a file grow beyond 100 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("before", [None, b"", b"- old"], ids=["absent", "empty", "own"])
def test_what_is_absent_empty_or_of_the_kind_is_written(tmp_path, before):
    path = tmp_path / "r"
    if before is not None:
        path.write_bytes(before)
    require_writable(path, LIST)
    assert (path.read_bytes() if path.exists() else None) == before
    write_result(path, b"- new", LIST)
    assert path.read_bytes() == b"- new"
    assert names(tmp_path) == ["r"]


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_any_other_file_stays_as_it_is_also_behind_links(tmp_path, link):
    (tmp_path / "mine").write_text("x")
    path = tmp_path / "mine"
    if link is not None:
        path = tmp_path / "r"
        link(tmp_path / "mine", path)
    for call in (lambda: require_writable(path, LIST), lambda: write_result(path, b"- ", LIST)):
        with pytest.raises(GenprobeError, match=r"is there and is not a list\.\nChoose another"):
            call()
    assert (tmp_path / "mine").read_text() == "x"


def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "r"
    target.write_bytes(b"- old")
    target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "dangling").symlink_to(tmp_path / "there" / "new")
    for name in ("link", "dangling"):
        write_result(tmp_path / name, b"- new", LIST)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_bytes() == b"- new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert names(tmp_path / "there") == ["new", "r"]


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path):
    (tmp_path / "plain").touch()
    write_result(tmp_path / "r", b"- ", LIST)
    assert (tmp_path / "r").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("nameless", [True, False])
def test_a_fault_in_the_middle_leaves_the_old_file_and_nothing_else(
    tmp_path, file_size_limit, monkeypatch, nameless
):
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "r"
    write_result(path, b"- old", LIST)
    with pytest.raises(GenprobeError, match=r"r cannot be written: File too large\."):
        write_result(path, b"- " + bytes(1000), LIST)
    assert path.read_bytes() == b"- old"
    assert names(tmp_path) == ["r"]


def test_a_file_that_torch_cannot_finish_is_one_error_and_not_the_end(tmp_path, file_size_limit):
    for values in (20, 200_000):
        with pytest.raises(GenprobeError, match="File too large"):
            write_result(tmp_path / "r", partial(torch.save, torch.zeros(values)), LIST)
    assert names(tmp_path) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(GenprobeError, match=r"no folder .*/missing to write r\.json in"):
        require_writable(tmp_path / "missing" / "r.json", LIST)


@pytest.mark.parametrize("name", ["", "x" * 300])
def test_a_folder_or_a_name_too_long_in_the_place_of_the_file_is_refused(tmp_path, name):
    with pytest.raises(GenprobeError, match="cannot be written"):
        require_writable(tmp_path / name, LIST)


@pytest.mark.parametrize("refused", ["file", "folder"])
def test_what_the_system_would_refuse_is_refused_beforehand(tmp_path, monkeypatch, refused):
    path = tmp_path / "r"
    path.write_bytes(b"- ")
    no = path if refused == "file" else tmp_path
    monkeypatch.setattr(os, "access", lambda place, mode: place != no)
    with pytest.raises(GenprobeError, match="r cannot be written"):
        require_writable(path, LIST)


def test_pipes_and_devices_are_written_in_place(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        write_result(tmp_path / "pipe", b"- ", LIST)
        assert reader.stdout.read() == b"- "
    (tmp_path / "device").symlink_to(os.devnull)
    write_result(tmp_path / "device", b"x", LIST)
    assert not os.path.isfile(os.devnull)


@pytest.mark.parametrize("into", ["file", "pipe"])
def test_standard_output_gets_what_was_printed_and_then_the_result(tmp_path, into):
    code = (
        "from pathlib import Path; from genprobe.runtime.output_file import *;"
        "print('before'); write_result(Path('/dev/stdout'), b'result\\n',"
        "ResultKind(name='', wrote=lambda path: False)); print('after')"
    )
    with (tmp_path / "out").open("wb") as file:
        stdout = file if into == "file" else subprocess.PIPE
        done = subprocess.run([sys.executable, "-c", code], check=True, stdout=stdout)
    text = (tmp_path / "out").read_bytes() if into == "file" else done.stdout
    assert text.split() == [b"before", b"result", b"after"]


def test_links_do_not_hide_that_two_files_are_one(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    (tmp_path / "soft").symlink_to("a")
    (tmp_path / "to-be").symlink_to("b")
    assert same_file(tmp_path / "hard", tmp_path / "soft")
    assert same_file(tmp_path / "to-be", tmp_path / "b")
    assert not same_file(tmp_path / "a", tmp_path / "b")


def test_a_kill_leaves_nothing_where_the_system_has_nameless_files(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(output_file, "give_name", lambda *_: seen.append(names(tmp_path)) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_result(tmp_path / "r", b"- ", LIST)
    assert seen == [[]] if hasattr(os, "O_TMPFILE") else seen
    assert names(tmp_path) == []


def test_paths_are_found_in_what_a_command_was_given(tmp_path):
    given = ("a.pt", {"y": "labels.npy"}, None, 3, tmp_path, "idx:x")
    assert [str(p) for p in paths_named(given)] == [
        "a.pt",
        "labels.npy",
        str(tmp_path),
        "idx:x",
        "x",
    ]
