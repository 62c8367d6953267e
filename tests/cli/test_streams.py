"""No sign, full disk or closed pipe on standard output costs a result."""

import codecs
import contextlib
import errno
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from genprobe.cli import main
from genprobe.cli.streams import Stream, lasting_streams

REPORT = Path(__file__).parents[1] / "archives" / "0.1.2" / "report.json"
ENCODINGS = ("ascii", "cp1252", "latin-1", "gbk", "cp932", "koi8-r", "utf-8")


class Full(io.RawIOBase):
    """A file on a full disk, or a pipe that nobody reads."""

    def __init__(self, number):
        self.number = number

    def writable(self):
        return True

    def write(self, content):
        raise OSError(self.number, os.strerror(self.number))


def text_into(raw, encoding="utf-8"):
    return io.TextIOWrapper(raw, encoding=encoding, write_through=True)


def run_with(monkeypatch, stream, *arguments):
    """The exit code of the program with standard output in the place of the present one."""
    monkeypatch.setattr("sys.stdout", stream)
    with pytest.raises(SystemExit) as ended:
        main.main([str(a) for a in arguments], prog_name="genprobe")
    assert sys.stdout is stream
    return ended.value.code or 0


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_help_can_be_read_in_every_encoding(monkeypatch, encoding):
    for command in ([], *([name] for name in main.list_commands(None))):
        out = io.BytesIO()
        assert run_with(monkeypatch, text_into(out, encoding), *command, "--help") == 0
        text = str(out.getvalue(), encoding)
        assert text.startswith("Usage: genprobe")
        assert not re.search(r"\\[ux]|\?\?", text)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("how", [["--plane"], ["--markdown"], ["--latex"]], ids=" ".join)
def test_tables_are_readable_in_every_encoding(monkeypatch, encoding, how):
    out = io.BytesIO()
    assert run_with(monkeypatch, text_into(out, encoding), "compare", REPORT, *how) == 0
    text = str(out.getvalue(), encoding)
    assert not re.search(r"\\[ux]\d", text)
    assert "16.98" in text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE, errno.EIO])
def test_what_cannot_be_printed_costs_no_file_and_is_one_line(
    monkeypatch, tmp_path, capsys, number
):
    path = tmp_path / "r.json"
    stream = text_into(Full(number))
    assert run_with(monkeypatch, stream, "compare", REPORT, "--json", path) == 1
    assert json.loads(path.read_text(encoding="utf-8"))["models"]
    told = capsys.readouterr().err
    if number == errno.EPIPE:
        assert told == ""
    else:
        assert told == f"Error: Standard output cannot be written: {os.strerror(number)}.\n"


@pytest.mark.parametrize(
    ("redirected", "told"),
    [
        (">/dev/full", "Error: Standard output cannot be written: No space left on device.\n"),
        (">&-", "Error: Standard output cannot be written: It is closed.\n"),
        ("| exec <&-", ""),
    ],
)
def test_a_process_ends_with_one_line_and_no_word_of_the_interpreter(redirected, told):
    command = f"set -o pipefail; {sys.executable} -m genprobe --version {redirected}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (1, told)


@pytest.mark.parametrize("code", [None, 0, 1, 2, 130])
def test_a_fault_of_standard_output_hides_no_other_exit_code(monkeypatch, code):
    monkeypatch.setattr("sys.stdout", text_into(Full(errno.EPIPE)))
    with pytest.raises(SystemExit) as ended, lasting_streams():
        sys.exit(print("x") or code)
    assert ended.value.code == (code or 1)


def test_what_goes_wrong_inside_comes_out_as_it_is(monkeypatch):
    monkeypatch.setattr("sys.stdout", text_into(Full(errno.EPIPE)))
    with pytest.raises(ZeroDivisionError), lasting_streams():
        print(1 / 0)


def test_a_stream_writes_what_can_be_written():
    out = io.BytesIO()
    stream = Stream(text_into(out, "ascii"))
    print("β ± 中 \udcff", file=stream, flush=True)
    assert out.getvalue() == rb"beta +/- \u4e2d \udcff" + b"\n"
    with contextlib.suppress(TypeError):
        stream.write(b"x")
        raise AssertionError
    assert codecs.lookup(stream.encoding).name == "ascii"
