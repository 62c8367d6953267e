import io
import re

import pytest
from rich.text import Text

from genprobe.cli.terminal import print_view, table_width

VIEW = Text("word " * 40, style="yellow")


@pytest.mark.parametrize(
    ("given", "width"), [("", 80), ("60", 60), ("120", 120), ("7", 40), ("wide", 80), ("-4", 80)]
)
def test_a_pipe_has_the_columns_that_are_named(monkeypatch, given, width):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", given)
    assert table_width() == width


def test_a_terminal_gets_colour_and_no_more_columns_than_it_has(terminal):
    stdout = terminal()
    print_view(VIEW)
    assert "\x1b[33m" in stdout.getvalue()
    lines = re.sub(r"\x1b\[[\d;]*m", "", stdout.getvalue()).splitlines()
    assert 40 < max(len(line.rstrip()) for line in lines) <= 60


def test_no_color_is_heeded(terminal, monkeypatch):
    stdout = terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    print_view(VIEW)
    assert "\x1b[33m" not in stdout.getvalue()


def test_a_pipe_gets_80_columns_of_text_and_nothing_else(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    print_view(VIEW)
    out, err = capsys.readouterr()
    assert "\x1b" not in out
    assert err == ""
    assert 60 < max(map(len, out.splitlines())) <= 80


def test_a_pipe_gets_no_colour_even_where_terminals_are_forced(capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    print_view(VIEW)
    assert "\x1b" not in capsys.readouterr().out
