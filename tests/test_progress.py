import io
import re

import pytest

from genprobe.progress import showing, silent


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make standard error a terminal; called in the test, as pytest sets it anew before."""

    def stand_in():
        stderr = Terminal()
        monkeypatch.setattr("sys.stderr", stderr)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "80")
        return stderr

    return stand_in


def test_nothing_is_shown_when_standard_error_is_a_pipe(capsys):
    with showing(True) as advance:
        advance("encode", 5, 10)
    assert advance is silent
    assert capsys.readouterr() == ("", "")


def test_nothing_is_shown_when_it_is_not_wanted(terminal):
    stderr = terminal()
    with showing(False) as advance:
        advance("encode", 5, 10)
    assert advance is silent
    assert stderr.getvalue() == ""


def test_a_terminal_shows_every_stage_with_its_share_on_standard_error(capsys, terminal):
    stderr = terminal()
    with showing(True) as advance:
        advance("encode", 5, 10)
        advance("encode", 5, 10)
        advance("aggregate", 1, 4)
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", stderr.getvalue())
    assert re.search(r"encode .* 100%", shown)
    assert re.search(r"aggregate .* 25%", shown)
    assert capsys.readouterr().out == ""


def test_the_display_goes_when_the_work_fails(terminal):
    stderr = terminal()

    def work():
        with showing(True) as advance:
            advance("encode", 1, 2)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        work()
    assert stderr.getvalue().rindex("\x1b[?25h") > stderr.getvalue().rindex("encode")
